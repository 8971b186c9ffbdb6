"""HTTP to one origin: a warm pool, one deadline for all, a limit on size, no redirects.

urllib3 alone uses no proxy variables and no netrc. What else it leaves open is closed here and in
`connection`.
"""

from __future__ import annotations

import builtins
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool, Timeout
from urllib3.exceptions import (
    HTTPError,
    NewConnectionError,
    TimeoutError,  # noqa: A004
)
from urllib3.util.url import parse_url

from . import strict_json
from .connection import Connection, TLSConnection
from .errors import ProviderError, ProviderTimeout

#: Bytes of a body that are read at most.
MAX_BODY = 64 * 1024
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
            self.pool.ConnectionCls = TLSConnection
        else:
            self.pool = HTTPConnectionPool(str(url.host), url.port, maxsize=POOL_SIZE)
            self.pool.ConnectionCls = Connection

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
