"""HTTP to one origin: warm connections, one deadline per exchange, a size limit, no redirects.

Neither proxy variables of the environment nor netrc are used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache, partial
from http.client import HTTPException
from importlib import metadata
from typing import Protocol

from werkzeug.datastructures import Headers

from ..errors import ProviderError, ProviderFailure, ProviderTimeout
from .connection import Connection
from .deadline import Deadline
from .pool import ConnectionPool
from .raw_response import RawResponse
from .response import ApiResponse


class Transport(Protocol):
    """Sends requests to AltDentifier. Tests replace it."""

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> ApiResponse:
        """Send one request, once, and return its response whatever its status.

        Use the response in a `with` statement, see `ApiResponse`.

        :param method: The HTTP method, in capitals.
        :param target: Path and query, percent-encoded, beginning with `/`.
        :param headers: Headers to send. `User-Agent` and `Accept-Encoding` are set here.
        :param body: The body, or None.
        :raises ProviderTimeout: The deadline passed.
        :raises ProviderError: The response did not come whole. `cause` names the exception.

        Example::

            with transport.request("GET", "/api", headers={}, body=None) as response:
                print(response.status)
        """
        ...


class HTTPTransport:
    """The transport over sockets. An app has one, and its threads share it.

    Creating it does no I/O. Connections and the TLS context belong to the process that uses them
    first: after a fork the child opens its own.

    :param origin: Scheme, host and optional port, such as `https://altdentifier.com`.
    :param timeout: Seconds that one exchange may take, from the name lookup to the last byte.

    Example::

        transport = HTTPTransport("https://altdentifier.com", 10.0)
    """

    def __init__(self, origin: str, timeout: float) -> None:
        self.origin = origin
        self.timeout = timeout
        self._current_pool: ConnectionPool | None = None

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> ApiResponse:
        """Send one request, see `Transport.request`."""
        deadline = Deadline(self.timeout)
        pool = self._pool()
        connection = pool.acquire()
        raw: RawResponse | None = None
        try:
            raw = connection.send_request(
                method, target, headers=_headers(headers), body=body, deadline=deadline
            )
            data = raw.read_body()
        except BaseException as error:
            connection.close()
            if raw is not None:
                raw.close()
            raise _failure(error, raw) from None
        if raw.has_unexpected:
            connection.close()
        release = partial(_release, pool, connection)
        return ApiResponse(raw.status, Headers(raw.getheaders()), data, release)

    def _pool(self) -> ConnectionPool:
        pool = self._current_pool
        if pool is None or pool.process_id != os.getpid():
            if pool is not None:
                pool.close()  # closes the descriptors of this process, the parent keeps its own
            pool = self._current_pool = ConnectionPool(self.origin)
        return pool


def _release(pool: ConnectionPool, connection: Connection, accepted: bool) -> None:
    if accepted:
        pool.release(connection)
    else:
        connection.close()


def _failure(error: BaseException, raw: RawResponse | None) -> BaseException:
    """Return what to raise for *error*. It carries the name of the class, never the message."""
    if not isinstance(error, (HTTPException, OSError, ValueError)):
        return error
    failure: type[ProviderFailure]
    failure = ProviderTimeout if isinstance(error, TimeoutError) else ProviderError
    status = None if raw is None else raw.status
    return failure(provider_status=status, cause=type(error).__name__)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    sent = Headers(headers)
    sent["User-Agent"] = user_agent()
    sent["Accept-Encoding"] = "identity"
    return dict(sent.items())


@cache
def user_agent() -> str:
    """Return the `User-Agent` of all requests to AltDentifier.

    Bot filters refuse the default of HTTP libraries first.

    Example::

        user_agent()  # "flask-altdentifier/2.0.0"
    """
    try:
        return f"flask-altdentifier/{metadata.version('flask-altdentifier')}"
    except metadata.PackageNotFoundError:  # a bundle that left the metadata out
        return "flask-altdentifier"
