"""Browsers that speak raw HTTP to gunicorn, and volleys of requests at one moment."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from .jar import Jar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Seconds for which a request may take at most.
PATIENCE = 30.0


@dataclass(frozen=True)
class Reply:
    """One response."""

    status: int
    location: str | None
    set_cookies: list[str]
    body: str
    process: int
    seconds: float


class Connection:
    """A connection that is kept alive, and so stays with one process."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(path)
        self.process = 0

    def exchange(self, request: bytes) -> Reply:
        """Send a request and return the response."""
        self.sock.sendall(request)
        return self.read()

    def read(self, begun: float | None = None) -> Reply:
        """Return the response to what was sent, and how long after *begun* it came."""
        begun = time.monotonic() if begun is None else begun
        response = HTTPResponse(self.sock)
        try:
            response.begin()
            body = response.read().decode()
        finally:
            response.close()
        self.process = int(response.headers["X-Process"])
        return Reply(
            status=response.status,
            location=response.headers["Location"],
            set_cookies=response.headers.get_all("Set-Cookie", []),
            body=body,
            process=self.process,
            seconds=time.monotonic() - begun,
        )

    def close(self) -> None:
        """Hang up."""
        self.sock.close()


class Fleet:
    """Eight connections, four to each of the two processes."""

    def __init__(self, path: str) -> None:
        self.connections: list[Connection] = []
        probe = request_bytes("GET", "/whoami", "app.test", "")
        full = 0
        try:
            while len(self.connections) < 8:
                connection = Connection(path)
                self.connections.append(connection)
                process = connection.exchange(probe).process
                if full == 0 and [c.process for c in self.connections].count(process) == 4:
                    full = process
                    os.kill(full, signal.SIGSTOP)  # so that the other takes the rest
        finally:
            if full:
                os.kill(full, signal.SIGCONT)
        assert sorted(Counter(c.process for c in self.connections).values()) == [4, 4]

    def volley(self, requests: Sequence[bytes]) -> list[Reply]:
        """Send up to eight requests at one moment and return the responses in the same order.

        All but the last byte of each is sent before, so the moment is that of the last bytes.
        """
        alternating = sorted(self.connections, key=self._place)
        used = list(zip(alternating, requests, strict=False))
        barrier = threading.Barrier(len(used))
        for connection, request in used:
            connection.sock.sendall(request[:-1])

        def fire(connection: Connection, request: bytes) -> None:
            barrier.wait()
            connection.sock.sendall(request[-1:])

        threads = [threading.Thread(target=fire, args=pair) for pair in used]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        begun = time.monotonic()
        return [connection.read(begun) for connection, _ in used]

    def _place(self, connection: Connection) -> int:
        """Return where the connection stands among those of its process."""
        peers = [c for c in self.connections if c.process == connection.process]
        return peers.index(connection)

    def close(self) -> None:
        """Hang up."""
        for connection in self.connections:
            connection.close()


def request_bytes(method: str, path: str, host: str, cookies: str) -> bytes:
    """Return a request as a program sends it, through a proxy that speaks https."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "X-Forwarded-Proto: https"]
    lines += [f"Cookie: {cookies}"] if cookies else []
    lines += ["Content-Length: 0"] if method == "POST" else []
    return "\r\n".join([*lines, "", ""]).encode()


class Browser:
    """One browser: a cookie jar, and what its user can do."""

    def __init__(self, path: str, gates: Path, host: str = "app.test") -> None:
        self.path = path
        self.gates = gates
        self.host = host
        self.jar = Jar()

    def request(self, method: str, path: str) -> bytes:
        """Return the bytes of a request with the cookies of this moment."""
        return request_bytes(method, path, self.host, self.jar.header())

    def ask(self, method: str, path: str, jar: Jar | None = None) -> Reply:
        """Send a request, with another jar if one is given, and leave the cookies unread."""
        cookies = (self.jar if jar is None else jar).header()
        connection = Connection(self.path)
        try:
            return connection.exchange(request_bytes(method, path, self.host, cookies))
        finally:
            connection.close()

    def visit(self, method: str, path: str) -> Reply:
        """Send a request and keep the cookies that come."""
        reply = self.ask(method, path)
        self.jar.receive(reply.set_cookies)
        return reply

    def begin(self, next: str = "/next") -> str:  # noqa: A002
        """Begin a login and return its state."""
        reply = self.visit("GET", f"/login?next={quote(next, safe='')}")
        assert reply.status == 302, reply
        return state_in(reply)

    def log_in(self) -> str:
        """Log in from beginning to end and return the code that was used."""
        state, code = self.begin(), new_code()
        reply = self.visit("GET", callback(state, code))
        assert (reply.status, reply.location) == (303, "/next"), reply
        return code

    def log_out(self) -> None:
        """Log out."""
        assert self.visit("POST", "/logout").status == 303

    def token(self, jar: Jar | None = None) -> str | None:
        """Return the token that the protected view works with, or None where it is closed."""
        reply = self.ask("GET", "/me", jar)
        assert reply.status in {200, 401}, reply
        return reply.body if reply.status == 200 else None

    def slow(self, kind: str) -> SlowRequest:
        """Begin a slow request and return when its view has begun."""
        return SlowRequest(self, kind)


class SlowRequest:
    """A request that is held in its view until `end`."""

    def __init__(self, browser: Browser, kind: str) -> None:
        self.browser = browser
        self.gate = secrets.token_hex(8)
        self.reply: Reply | None = None
        self.connection = Connection(browser.path)
        self.connection.sock.sendall(browser.request("GET", f"/slow/{kind}/{self.gate}"))
        end = time.monotonic() + PATIENCE
        while not (browser.gates / f"{self.gate}.begun").exists():
            assert time.monotonic() < end
            time.sleep(0.001)

    def end(self) -> Reply:
        """Let the view end and keep the cookies that come."""
        (self.browser.gates / f"{self.gate}.open").touch()
        reply = self.connection.read()
        self.connection.close()
        assert reply.status == 200, reply
        self.browser.jar.receive(reply.set_cookies)
        return reply


def new_code() -> str:
    """Return a code as the provider would give it."""
    return secrets.token_urlsafe(16)


def callback(state: str, code: str) -> str:
    """Return the path and query that the provider sends the browser back to."""
    return f"/callback?code={code}&state={state}"


def state_in(reply: Reply) -> str:
    """Return the state in the redirect to the provider."""
    assert reply.location is not None
    return parse_qs(urlsplit(reply.location).query)["state"][0]
