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

#: Most bytes of a body that are read.
MAX_BODY = 64 * 1024
#: Bytes of one read. In a larger read, http.client would keep an object for each one-byte chunk.
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
        """Send one request, without retries, and return the result of *read*.

        Args:
            method: The HTTP method, in capitals.
            target: Path and query, percent-encoded. It starts with `/`.
            headers: Headers to send. The transport sets `User-Agent` and `Accept-Encoding`.
            body: The body, or None.
            read: Converts the response, which can have any status. If it raises, the connection is
                closed. A response that was refused may have left bytes on the connection, which
                would become the response to the next person's request.

        Returns:
            The result of *read*.

        Raises:
            ProviderTimeout: The deadline passed.
            ProviderError: No complete response arrived. `cause` names the exception's class.

        Example::

            transport.request("GET", "/api", headers={}, body=None, read=ApiResponse.json)
        """
        ...


class HTTPTransport:
    """The transport over sockets. Each app has one, and its threads share it.

    Creating it does no I/O. Connections and the TLS context belong to the process that first uses
    them. After a fork, the child opens its own.

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
        """Send one request as described at `Transport.request`."""
        response: BaseHTTPResponse | None = None
        failure: ProviderFailure | None = None
        try:
            response = self._send(method, target, headers=_headers(headers), body=body)
            # Before the body is read, because urllib3 detaches the connection at its end.
            sock = cast("Connection", response.connection).sock
            whole = _api_response(response, _read_body(response))
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            failure = _failure(error, response)
        # Raised out of the except block, because its context would show text of the peer.
        if failure is not None:
            if response is None or response.status < 400 or isinstance(failure, ProviderTimeout):
                raise failure
            # The status of an error response counts, even if its body is too large or cut off.
            sock.close()
            return read(_api_response(response, b""))
        try:
            result = read(whole)
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


def _api_response(response: BaseHTTPResponse, data: bytes) -> ApiResponse:
    return ApiResponse(response.status, Headers([*response.headers.items()]), data)


def _read_body(response: BaseHTTPResponse) -> bytes:
    data = b""
    with closing(response):
        while part := response.read(min(PORTION, MAX_BODY + 1 - len(data))):
            data += part
        if len(data) > MAX_BODY:
            raise ResponseTooLarge
    return data


def _failure(error: BaseException, response: BaseHTTPResponse | None) -> ProviderFailure:
    """Return the exception to raise for *error*. It has the name of a class, never a message."""
    cause = _unwrap(error)
    failure: type[ProviderFailure] = ProviderError
    if isinstance(cause, (TimeoutError, ReadTimeoutError)):
        failure = ProviderTimeout
    status = None if response is None else response.status
    return failure(provider_status=status, cause=type(cause).__name__)


def _unwrap(error: BaseException) -> BaseException:
    """Return the exception that urllib3 has wrapped in *error*, or *error* itself."""
    if isinstance(error, HTTPError):
        for wrapped in (error.__cause__, *error.args):
            if isinstance(wrapped, Exception):
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
    except metadata.PackageNotFoundError:  # a bundle without the package's metadata
        return "flask-altdentifier"
