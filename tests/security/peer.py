"""A provider that does what a test tells it to, over TLS on a real socket."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs

#: Says one answer to one request, on a connection that stays open until `Peer.close`.
Talk = Callable[[socket.socket], None]

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Peer:
    """A server on loopback that reads each request whole and then does what the test wants."""

    def __init__(self, talk: Talk, context: ssl.SSLContext | None, *, shakes: bool = True) -> None:
        #: What is done after each request; tests swap it.
        self.talk = talk
        self.context = context
        #: Whether TLS is spoken; else `talk` has the bare connection, and no request is read.
        self.shakes = shakes
        #: Each request as it came.
        self.requests: list[bytes] = []
        self.connections = 0
        #: Set when the test is over: those who wait can go.
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def origin(self) -> str:
        """Where this peer is."""
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    @property
    def forms(self) -> list[dict[str, list[str]]]:
        """The form of each request."""
        return [parse_qs(request.partition(b"\r\n\r\n")[2].decode()) for request in self.requests]

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._attend, args=[connection], daemon=True)
                self._threads.append(thread)
                thread.start()

    def _attend(self, connection: socket.socket) -> None:
        self._open.append(connection)
        with suppress(OSError, ValueError):
            if not self.shakes:
                return self.talk(connection)
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while request := read_request(connection):
                self.requests.append(request)
                self.talk(connection)
        return None

    def close(self) -> None:
        """End every connection, and wait until nobody talks any more."""
        self.over.set()
        # close() alone leaves a thread in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            hang_up(connection)
        for thread in self._threads:
            thread.join(5)


def hang_up(connection: socket.socket) -> None:
    """End a connection at once, without TLS's goodbye."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request and its body; empty where the client is gone."""
    data = b""
    while not (end := data.find(b"\r\n\r\n") + 4) > 3 or len(data) < end + _length(data[:end]):
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    return data


def _length(head: bytes) -> int:
    match = _LENGTH.search(head)
    return 0 if match is None else int(match[1])


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a response with its length."""
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def saying(*parts: bytes, hang_up_after: bool = False) -> Talk:
    """Return a talk that says *parts*."""

    def talk(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        if hang_up_after:
            hang_up(connection)

    return talk


@contextmanager
def peer(
    talk: Talk, context: ssl.SSLContext | None = None, *, shakes: bool = True
) -> Iterator[Peer]:
    """Run a peer."""
    running = Peer(talk, context, shakes=shakes)
    try:
        yield running
    finally:
        running.close()
