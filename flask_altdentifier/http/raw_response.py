"""A response as it is read from a socket: until the deadline, within limits, and to its end.

`http.client` parses responses leniently, skips `100 Continue` only, and discards bytes that follow
the response. On a connection that is kept, each of these gives one person's response to the next.
"""

from __future__ import annotations

import io
import socket
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any

from .deadline import Deadline

#: Bytes of a body that are read at most.
MAX_BODY = 64 * 1024
#: Bytes that are read at most for one response, with headers and the framing of chunks.
MAX_RESPONSE = 512 * 1024
#: Interim responses (1xx) that are skipped at most.
MAX_INTERIM = 10
#: Bytes that are read at a time. For chunks of one byte, http.client keeps an object each.
PORTION = 4096

_WITHOUT_BODY = {204, 205, 304}


class MalformedResponse(HTTPException):
    """The response breaks RFC 9112. Quotes nothing of it."""


class ResponseTooLarge(HTTPException):
    """The response exceeds a limit."""


class _SocketReader(io.RawIOBase):
    """Reads a socket until the deadline, up to `MAX_RESPONSE` bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.raw = sock.makefile("rb", buffering=0)
        # http.client hands over the socket only, and `Connection` has set what is left.
        self.deadline = Deadline(sock.gettimeout() or 0)
        self.room = MAX_RESPONSE
        self.stopped = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.stopped:
            return 0
        self.sock.settimeout(self.deadline.left())
        size = self.raw.readinto(buffer)
        self.room -= size or 0
        if self.room < 0:
            raise ResponseTooLarge
        return size

    def close(self) -> None:
        self.raw.close()
        super().close()


class RawResponse(HTTPResponse):
    """A response that is read within limits, and knows whether its connection can be kept."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.reader = _SocketReader(sock)
        self.fp = io.BufferedReader(self.reader)
        self.interim = 0
        self.has_unexpected = False

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if 100 <= status < 200 and status != 101:
            self.interim += 1
            if self.interim > MAX_INTERIM:
                raise MalformedResponse
            if status != 100:
                self.has_unexpected = True  # whoever sends these may send more later
            status = 100  # the only one that http.client skips
        return version, status, reason

    def begin(self) -> None:
        """Read status and headers. The connection closes after responses that are unexpected."""
        super().begin()
        if self.status == 101 or self.msg.defects or self.msg.get_payload():
            raise MalformedResponse
        self._check_framing()
        if self.status in _WITHOUT_BODY or self._method == "HEAD":  # type: ignore[attr-defined]
            self.chunked, self.length, self.will_close = False, 0, True

    def _check_framing(self) -> None:
        """Refuse a length that two readers could understand differently (RFC 9112 section 6.3)."""
        lengths = self.msg.get_all("Content-Length", [])
        encodings = self.msg.get_all("Transfer-Encoding", [])
        if len(lengths) + len(encodings) > 1:
            raise MalformedResponse
        if any(not length.isascii() or not length.strip().isdigit() for length in lengths):
            raise MalformedResponse
        if encodings and not self.chunked:
            raise MalformedResponse

    def read_body(self) -> bytes:
        """Return the whole body.

        :raises IncompleteRead: The peer sent fewer bytes than announced.
        :raises ResponseTooLarge: The body has more than `MAX_BODY` bytes.
        """
        data = b""
        while part := self.read(min(PORTION, MAX_BODY + 1 - len(data))):
            data += part
        if len(data) > MAX_BODY:
            raise ResponseTooLarge
        if self.length:
            raise IncompleteRead(b"", self.length)
        return data

    def _close_conn(self) -> None:
        # http.client calls this at the end of the body. What was read ahead is lost with `fp`.
        self.reader.stopped = True
        if self.fp.peek(1):
            self.has_unexpected = True
        super()._close_conn()  # type: ignore[misc]
