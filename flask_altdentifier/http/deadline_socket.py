"""A socket with one deadline for each exchange, and a size limit for each response."""

from __future__ import annotations

import io
import socket
import ssl
import time
from http.client import HTTPException
from typing import Any

#: Most bytes that are read for one response, with headers and the framing of chunks.
MAX_RESPONSE = 512 * 1024
#: Seconds after which an idle connection is not reused. A NAT or a firewall drops idle connections
#: without a signal to either end. A code that is then sent on the connection is lost.
MAX_IDLE = 60.0


class ResponseTooLarge(HTTPException):
    """The response exceeds a limit."""


class Deadline:
    """Counts down the seconds of one exchange."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left. Raises `TimeoutError` if the deadline has passed."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class DeadlineSocket(io.RawIOBase):
    """A connected socket, plain or TLS, with the methods that `http.client` uses.

    Its timeout is a deadline. The timeout of a `socket` restarts with each read, so a peer that
    sends a byte now and then could occupy a worker without limit.
    """

    def __init__(self, sock: socket.socket, timeout: float) -> None:
        self._sock = sock
        # One reader for all responses, because a second one would not see the bytes that the first
        # has buffered.
        self._reader = _Reader(self)
        self.has_unexpected = False
        self.settimeout(timeout)

    def settimeout(self, timeout: float) -> None:
        """Start a new deadline and a new size limit, *timeout* seconds from now."""
        self._deadline = Deadline(timeout)
        self._room = MAX_RESPONSE
        self._is_idle = False
        self.usable_until: float = 0.0

    def sendall(self, data: bytes) -> None:
        """Send *data* before the deadline. An SSL socket restarts its timeout per TLS record."""
        rest = memoryview(data)
        while rest:
            self._sock.settimeout(self._deadline.left())
            rest = rest[self._sock.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the reader, which all responses share."""
        return self._reader

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read before the deadline, up to `MAX_RESPONSE` bytes. The reader calls this."""
        if self._is_idle:
            return 0
        self._sock.settimeout(self._deadline.left())
        size = self._sock.recv_into(buffer)
        self._room -= size
        if self._room < 0:
            raise ResponseTooLarge
        return size

    def fileno(self) -> int:
        """Return the descriptor, which urllib3 polls."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def keep(self) -> None:
        """Keep the connection for another exchange, or close it after unexpected bytes.

        Call this only if the response was accepted.
        """
        self._is_idle = True  # so that peek() reads nothing more
        in_tls = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        if self.has_unexpected or self._reader.peek(1) or in_tls:
            self.close()
        else:
            self.usable_until = time.monotonic() + MAX_IDLE


class _Reader(io.BufferedReader):
    def close(self) -> None:
        """Do nothing, because the next response needs the reader."""
