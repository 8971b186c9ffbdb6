"""A server on loopback that responds as a test wants, on connections that stay open."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: Responds to one request.
Respond = Callable[[socket.socket], None]

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


class Peer:
    """Accepts connections, reads requests, and calls `respond` after each."""

    def __init__(self, respond: Respond, context: ssl.SSLContext | None) -> None:
        self.respond = respond
        self.context = context
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http{'s' * bool(context)}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
                self.threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.append(connection)
        try:
            self._respond_to(connection)
        finally:
            hang_up(connection)  # `close` may have come before this thread

    def _respond_to(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while request := read_request(connection):
                self.requests.append(request)
                self.respond(connection)

    def close(self) -> None:
        """Close every connection, and wait for the threads."""
        for sock in (self._listener, *self._open):
            hang_up(sock)
        for thread in self.threads:
            thread.join(5)


@contextmanager
def peer(respond: Respond, context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Run a peer."""
    running = Peer(respond, context)
    try:
        yield running
    finally:
        running.close()


def hang_up(sock: socket.socket) -> None:
    """Close a socket, and wake whoever reads from it."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def read_request(connection: socket.socket) -> bytes:
    """Return one request with its body, or nothing if the client is gone."""
    data = b""
    while True:
        head, separator, body = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if separator and len(body) >= (int(length[1]) if length else 0):
            return data
        part = connection.recv(65536)
        if not part:
            return b""
        data += part


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a response with its length."""
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def send(*parts: bytes, pause: float = 0, close: bool = False) -> Respond:
    """Return a function that sends *parts*, *pause* seconds apart."""

    def respond(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        if close:
            hang_up(connection)

    return respond


def send_in_turn(*responses: bytes) -> Respond:
    """Return a function that sends one of *responses* per request."""
    remaining = iter(responses)
    return lambda connection: connection.sendall(next(remaining))
