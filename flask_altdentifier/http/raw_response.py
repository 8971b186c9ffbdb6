"""The response parser of `http.client`, without its leniency.

On a reused connection, an ambiguous length could give one person's response to the next person.
"""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any

from .deadline_socket import DeadlineSocket

#: Statuses without a body. The connection closes after them, because some servers send a body.
_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED}


class MalformedResponse(HTTPException):
    """The response violates RFC 9112. The message quotes nothing of it."""


class RawResponse(HTTPResponse):
    """A response with an unambiguous length. It marks its socket if anything is unexpected."""

    _method: str | None  # the method of the request, which http.client sets

    def __init__(self, sock: DeadlineSocket, *args: Any, **kwargs: Any) -> None:
        like_socket: Any = sock  # http.client only calls its makefile()
        super().__init__(like_socket, *args, **kwargs)
        self._socket = sock

    def begin(self) -> None:
        """Read status and headers, and skip interim responses (1xx)."""
        super().begin()
        while HTTPStatus.SWITCHING_PROTOCOLS < self.status < HTTPStatus.OK:
            # http.client skips only 100. A server that sends others may send more of them later.
            self._socket.has_unexpected = True
            vars(self)["headers"] = None  # or begin() returns at once
            super().begin()
        if self.status == 101 or self.msg.defects or self.msg.get_payload():
            raise MalformedResponse
        self._check_framing()
        if self.status in _WITHOUT_BODY or self._method == "HEAD":
            self.chunked = False
            self.will_close: bool = True
        # http.client closes early, but the socket is needed until the body has been read.
        self._socket.has_unexpected |= self.will_close
        self.will_close = False

    def _check_framing(self) -> None:
        """Refuse a length that two parsers could read differently (RFC 9112 section 6.3)."""
        lengths = self.msg.get_all("Content-Length", [])
        encodings = self.msg.get_all("Transfer-Encoding", [])
        if len(lengths) + len(encodings) > 1:
            raise MalformedResponse
        if any(not length.isascii() or not length.strip().isdigit() for length in lengths):
            raise MalformedResponse
        if encodings and not self.chunked:
            raise MalformedResponse
