"""A connection to AltDentifier that lasts for many exchanges, each with a deadline of its own."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from .deadline import Deadline
from .raw_response import RawResponse

#: Seconds after which an idle connection is not used again. A NAT or a firewall forgets idle
#: connections without telling either end, and the code that is sent on one is lost.
MAX_IDLE = 60.0


class Connection(HTTPConnection):
    """A connection, plain or over TLS, that is opened by its first exchange."""

    response_class: type[HTTPResponse] = RawResponse

    def __init__(self, host: str, port: int | None, context: ssl.SSLContext | None) -> None:
        self.default_port = 80 if context is None else 443
        super().__init__(host, port)
        self.context = context
        self.deadline = Deadline(0)
        self.idle_since = 0.0

    def send_request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        deadline: Deadline,
    ) -> RawResponse:
        """Send one request, once, and return its response with status and headers read.

        Raises `TimeoutError` if the deadline passes, and `OSError`, `HTTPException` or `ValueError`
        for any other failure. After a failure, and if the body is not read, close the connection.
        """
        self.deadline = deadline
        self.request(method, target, body=body, headers=headers)
        self.sock.settimeout(deadline.left())
        response = self.getresponse()
        assert isinstance(response, RawResponse)  # noqa: S101
        return response

    def connect(self) -> None:
        """Connect, and do the TLS handshake."""
        self.sock = _connect_to_any(self.host, self.port, self.deadline)
        if self.context is not None:
            self.sock.settimeout(self.deadline.left())
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)

    def send(self, data: Any) -> None:
        """Send *data*, bytes, until the deadline. The socket's `sendall` has one per TLS record."""
        if self.sock is None:
            self.connect()
        rest = memoryview(data)
        while rest:
            self.sock.settimeout(self.deadline.left())
            rest = rest[self.sock.send(rest) :]

    def is_usable(self) -> bool:
        """Return whether the idle connection can take another exchange.

        Bytes that nobody asked for would be read as the response to the next request.
        """
        return time.monotonic() - self.idle_since < MAX_IDLE and self._is_silent()

    def _is_silent(self) -> bool:
        self.sock.settimeout(0)
        try:
            # Reading asks TLS too, which may have decrypted bytes that select() does not see.
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False  # the peer has closed it, or has sent something


def _connect_to_any(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Return a socket that is connected to the first address of *host* that answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError("the host has no address")
    for number, (family, kind, protocol, _, address) in enumerate(found):
        # Each address has a share of the time, because the first may be one that never answers,
        # as IPv6 addresses sometimes are.
        share = deadline.left() / (len(found) - number)
        try:
            return _connect(socket.socket(family, kind, protocol), address, share)
        except OSError as error:
            failure = error
    raise failure


def _connect(sock: socket.socket, address: Any, timeout: float) -> socket.socket:
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(timeout)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock
