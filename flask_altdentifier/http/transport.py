"""HTTP to one origin on urllib3: warm connections, one deadline, a size limit, no redirects.

urllib3's pools use neither proxy variables of the environment nor netrc.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from http.client import HTTPException
from importlib import metadata
from typing import Any, Protocol, TypeVar, cast

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError
from werkzeug.datastructures import Headers

from ..errors import ProviderError, ProviderFailure, ProviderTimeout
from .connection import Connection, create_pool
from .deadline_socket import ResponseTooLarge
from .response import ApiResponse

T = TypeVar("T")

#: Bytes of a body that are read at most.
MAX_BODY = 64 * 1024
#: Bytes that are read at a time. For chunks of one byte, http.client keeps an object each.
PORTION = 4096


class Transport(Protocol):
    """Sends requests to AltDentifier. Tests replace it."""

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        read: Callable[[ApiResponse], T],
    ) -> T:
        """Send one request, once, and return what *read* makes of its response.

        Args:
            method: The HTTP method, in capitals.
            target: Path and query, percent-encoded, beginning with `/`.
            headers: Headers to send. `User-Agent` and `Accept-Encoding` are set here.
            body: The body, or None.
            read: Called with the response, whatever its status. If it raises, the connection is
                closed: a response that was refused may have left bytes on the connection, which
                would be read as the response to the next person's request.

        Raises:
            ProviderTimeout: The deadline passed.
            ProviderError: The response did not come whole. `cause` names the exception.

        Example::

            transport.request("GET", "/api", headers={}, body=None, read=ApiResponse.json)
        """
        ...


class HTTPTransport:
    """The transport over sockets. An app has one, and its threads share it.

    Creating it does no I/O. Connections and the TLS context belong to the process that uses them
    first: after a fork the child opens its own.

    Args:
        origin: Scheme, host and optional port, such as `https://altdentifier.com`.
        timeout: Seconds that one exchange may take, from the name lookup to the last byte.

    Example::

        transport = HTTPTransport("https://altdentifier.com", 10.0)
    """

    def __init__(self, origin: str, timeout: float) -> None:
        self.origin = origin
        self.timeout = timeout
        self._process_pool: tuple[int, HTTPConnectionPool] | None = None

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        read: Callable[[ApiResponse], T],
    ) -> T:
        """Send one request, see `Transport.request`."""
        response = None
        try:
            response = self._send(method, target, headers=_headers(headers), body=body)
            # urllib3 takes the connection back at the end of the body, and uses it after keep().
            sock = cast("Connection", response.connection).sock
            data = _read_body(response)
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise _failure(error, response) from None
        try:
            result = read(ApiResponse(response.status, Headers([*response.headers.items()]), data))
        except BaseException:
            sock.close()
            raise
        sock.keep()
        return result

    def _send(self, method: str, target: str, **options: Any) -> BaseHTTPResponse:
        return self._pool().urlopen(
            method,
            target,
            **options,
            timeout=Timeout(total=self.timeout),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )

    def _pool(self) -> HTTPConnectionPool:
        current = self._process_pool
        if current is None or current[0] != os.getpid():
            current = self._process_pool = os.getpid(), create_pool(self.origin)
        return current[1]


def _read_body(response: BaseHTTPResponse) -> bytes:
    data = b""
    with closing(response):
        while part := response.read(min(PORTION, MAX_BODY + 1 - len(data))):
            data += part
        if len(data) > MAX_BODY:
            raise ResponseTooLarge
    return data


def _failure(error: BaseException, response: BaseHTTPResponse | None) -> ProviderFailure:
    """Return what to raise for *error*. It carries the name of a class, never a message."""
    cause = _unwrap(error)
    failure: type[ProviderFailure] = ProviderError
    if isinstance(cause, (TimeoutError, ReadTimeoutError)):
        failure = ProviderTimeout
    status = None if response is None else response.status
    return failure(provider_status=status, cause=type(cause).__name__)


def _unwrap(error: BaseException) -> BaseException:
    """Return the exception that urllib3 has wrapped in *error*, or *error* itself."""
    for wrapped in (error.__cause__, *error.args):
        if isinstance(error, HTTPError) and isinstance(wrapped, Exception):
            return _unwrap(wrapped)
    return error


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
