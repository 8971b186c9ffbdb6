"""HTTP to one origin: a warm pool, one deadline for all, a limit on size, no redirects.

urllib3 alone uses no proxy variables and no netrc. What it leaves open is closed here: its
timeouts are per read, so a peer that sends a byte now and then would hold a worker for good.
"""

from __future__ import annotations

import builtins
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any, Protocol

from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    TimeoutError,  # noqa: A004
)
from urllib3.util.url import parse_url

from . import strict_json
from .errors import ProviderError, ProviderTimeout

#: Bytes of a body that are read at most.
MAX_BODY = 64 * 1024
#: Bytes that are read at most for one response: headers and the framing of chunks too.
MAX_RESPONSE = 8 * MAX_BODY
#: Bytes that are read at a time: of chunks of one byte, http.client keeps an object for each.
PORTION = 4096
#: Idle connections that are kept; more are opened when more requests run at once.
POOL_SIZE = 10


@dataclass(frozen=True)
class Response:
    """An answer of the provider, whole and in memory."""

    status: int
    headers: HTTPHeaderDict = field(repr=False)
    #: The body as it came; compressed ones are not unpacked.
    data: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body's JSON value. Raises `ValueError` where it is none."""
        return strict_json.loads(self.data)


class Transport(Protocol):
    """Sends one request to the provider. Tests put another in its place."""

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send one request, once, and return its response whatever its status.

        *target* is a path and query. Raises `ProviderTimeout` when the deadline has passed, and
        `ProviderError` for all else that keeps a response from coming whole.
        """
        ...


class HTTPTransport:
    """The transport over urllib3. One for each app; threads share it."""

    def __init__(self, origin: str, timeout: float) -> None:
        """Send to *origin* only; each request takes *timeout* seconds at most, all in all."""
        url = parse_url(origin)
        self.timeout = timeout
        self.pool: HTTPConnectionPool
        if url.scheme == "https":
            # One context for all connections: parsing the CA bundle takes 20 ms.
            context = ssl.create_default_context()
            self.pool = HTTPSConnectionPool(
                str(url.host), url.port, maxsize=POOL_SIZE, ssl_context=context
            )
            self.pool.ConnectionCls = _HTTPSConnection
        else:
            self.pool = HTTPConnectionPool(str(url.host), url.port, maxsize=POOL_SIZE)
            self.pool.ConnectionCls = _Connection

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send one request; see `Transport.request`."""
        try:
            response = self.pool.urlopen(
                method,
                target,
                body=body,
                headers={**headers, "Accept-Encoding": "identity"},
                retries=False,
                redirect=False,
                timeout=Timeout(total=self.timeout),
                preload_content=False,
                decode_content=False,
            )
            data = b""
            while part := response.read(min(PORTION, MAX_BODY + 1 - len(data))):
                data += part  # a short body shows at its end, so all is read
            if len(data) > MAX_BODY:
                response.close()
                raise ProviderError
        except NewConnectionError:  # a kind of TimeoutError, though nothing has timed out
            raise ProviderError from None
        except TimeoutError:
            raise ProviderTimeout from None
        except (HTTPError, OSError, ValueError) as problem:
            # A send whose time is up is a connection that broke off, to urllib3.
            if any(isinstance(cause, builtins.TimeoutError) for cause in problem.args):
                raise ProviderTimeout from None
            raise ProviderError from None
        return Response(response.status, response.headers, data)


class _Clock:
    """Counts down."""

    def __init__(self, seconds: Any) -> None:
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left. Raises `TimeoutError` where there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise builtins.TimeoutError
        return float(left)


class _Reader(io.RawIOBase):
    """Reads a socket until the deadline, and no more than one response may take."""

    def __init__(self, sock: socket.socket) -> None:
        self.room = MAX_RESPONSE
        self.sock = sock
        self.raw = sock.makefile("rb", buffering=0)
        self.deadline = _Clock(sock.gettimeout())

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self.sock.settimeout(self.deadline.left())
        size = self.raw.readinto(buffer)
        self.room -= size or 0
        if self.room < 0:
            raise OSError
        return size

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Response(HTTPResponse):
    """A response that is read until the deadline and whose headers are well formed."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock))

    def begin(self) -> None:
        super().begin()
        # urllib3 would log what it cannot parse, and leave the socket open.
        lengths = self.msg.get_all("Content-Length", ["0"])
        if (
            self.msg.defects
            or self.msg.get_payload()
            or len(lengths) > 1
            or not lengths[0].isdigit()
        ):
            raise HTTPException


class _Connection(HTTPConnection):
    """A connection whose timeout is the time left, not the time from one byte to the next."""

    response_class = _Response

    def _new_conn(self) -> socket.socket:
        deadline = _Clock(self.timeout)
        try:
            sock = self._connect_to_any(deadline)
            sock.settimeout(deadline.left())  # for the TLS handshake
        except socket.gaierror as problem:
            raise NameResolutionError(self.host, self, problem) from None
        except builtins.TimeoutError:
            raise ConnectTimeoutError(self, "no time left") from None
        except OSError:
            raise NewConnectionError(self, "no address answers") from None
        return sock

    def _connect_to_any(self, deadline: _Clock) -> socket.socket:
        refused = OSError()
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found):
            try:
                sock = socket.socket(family, kind, protocol)
                # A share: the first may be one that swallows all, as IPv6 sometimes is.
                return self._connect(sock, address, deadline.left() / (len(found) - number))
            except OSError as problem:
                refused = problem
        raise refused

    def _connect(self, sock: socket.socket, address: Any, timeout: float) -> socket.socket:
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(timeout)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        return sock


class _HTTPSConnection(_Connection, HTTPSConnection):
    """The same over TLS."""
