"""Connections of urllib3 and their pool, with one deadline for each exchange."""

from __future__ import annotations

import socket
import ssl
import time
from http.client import HTTPResponse
from queue import Full, LifoQueue
from typing import Any, cast
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from .deadline_socket import Deadline, DeadlineSocket
from .raw_response import RawResponse

#: Idle connections that are kept. Simultaneous exchanges can open more.
POOL_SIZE = 10


class Connection(HTTPConnection):
    """A connection that urllib3 reuses only after `DeadlineSocket.keep`."""

    response_class: type[HTTPResponse] = RawResponse
    sock: Any  # a DeadlineSocket after `connect`

    @property
    def is_connected(self) -> bool:
        """Whether the connection can be used for another exchange."""
        if self.sock is None or time.monotonic() >= self.sock.usable_until:
            return False
        return super().is_connected  # that is, nothing can be read

    def connect(self) -> None:
        """Connect, and do the TLS handshake if there is one."""
        self.deadline: Deadline = Deadline(cast("float", self.timeout))
        super().connect()
        # urllib3 sets this timeout before it sends, and computes the rest of it before it reads.
        left = self.deadline.left()
        self.timeout: float | None = left
        self.sock = DeadlineSocket(self.sock, left)

    def _new_conn(self) -> socket.socket:
        """Return a socket that is connected to the first address that answers."""
        try:
            self.sock = sock = self._connect_to_any()
            sock.settimeout(self.deadline.left())  # for the TLS handshake
        except OSError as error:
            raise NewConnectionError(self, "no address answers") from error
        return sock

    def _connect_to_any(self) -> socket.socket:
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        failure = OSError("the host has no address")
        address: Any
        for number, (*_, address) in enumerate(found):
            # urllib3 lets each address use the whole time. Here, each has a share of it, because
            # the first address may never answer. IPv6 addresses sometimes do not.
            share = self.deadline.left() / (len(found) - number)
            try:
                return create_connection(address[:2], share, socket_options=self.socket_options)
            except OSError as error:
                failure = error
        raise failure


class TLSConnection(Connection, HTTPSConnection):
    """A `Connection` over TLS."""


class _IdleConnections(LifoQueue[Any]):
    """The idle connections of a pool. Closes surplus ones, because urllib3 would log a warning."""

    def put(self, item: Any, *args: Any, **options: Any) -> None:
        try:
            super().put(item, *args, **options)
        except Full:
            if item is not None:
                item.close()


class _Pool(HTTPConnectionPool):
    ConnectionCls = Connection
    QueueCls = _IdleConnections


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = TLSConnection
    QueueCls = _IdleConnections


def create_pool(origin: str) -> HTTPConnectionPool:
    """Return a pool of connections to *origin*. Threads can share it, processes must not."""
    url = urlsplit(origin)
    host = url.hostname or ""
    # Without a port, http.client would read the end of an IPv6 address as the port.
    if url.scheme == "http":
        return _Pool(host, url.port or 80, maxsize=POOL_SIZE)
    # One context for all connections, because parsing the CA bundle takes 20 ms.
    context = ssl.create_default_context()
    return _TLSPool(host, url.port or 443, maxsize=POOL_SIZE, ssl_context=context)
