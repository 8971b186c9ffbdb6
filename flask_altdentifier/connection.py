"""A urllib3 connection with one deadline for all of a request, and a limit on what is read.

urllib3's timeouts are per read, so a peer that sends a byte now and then would hold a worker for
good.
"""

from __future__ import annotations

import builtins
import io
import socket
import time
from http.client import HTTPException, HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

#: Bytes that are read at most for one response: headers and the framing of chunks too.
MAX_RESPONSE = 512 * 1024


class _Deadline:
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
        self.deadline = _Deadline(sock.gettimeout())

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


class Connection(HTTPConnection):
    """A connection whose timeout is the time left, not the time from one byte to the next."""

    response_class: type[HTTPResponse] = _Response

    def _new_conn(self) -> socket.socket:
        deadline = _Deadline(self.timeout)
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

    def _connect_to_any(self, deadline: _Deadline) -> socket.socket:
        refused = OSError()
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found):
            try:
                # A share: the first may be one that swallows all, as IPv6 sometimes is.
                share = deadline.left() / (len(found) - number)
                return self._connect(socket.socket(family, kind, protocol), address, share)
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


class TLSConnection(Connection, HTTPSConnection):
    """The same over TLS."""
