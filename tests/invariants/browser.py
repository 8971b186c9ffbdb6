"""Browsers that speak HTTP to gunicorn, and volleys of requests at one moment."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from .jar import Jar

#: Seconds that a response may take.
PATIENCE = 40.0


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    location: str | None
    set_cookies: list[str]
    body: str


@dataclass(frozen=True)
class Reply(Answer):
    """One response of a server."""

    process: int
    seconds: float


class Connection:
    """A connection that is kept, and so stays with one worker process."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(path)
        self.process = 0

    def send(self, request: bytes) -> None:
        self.started = time.monotonic()
        self.sock.sendall(request)

    def read(self) -> Reply:
        with closing(HTTPResponse(self.sock)) as response:
            response.begin()
            body = response.read().decode()
        self.process = int(response.headers.get("X-Process", "0"))
        return Reply(
            status=response.status,
            location=response.headers["Location"],
            set_cookies=response.headers.get_all("Set-Cookie", []),
            body=body,
            process=self.process,
            seconds=time.monotonic() - self.started,
        )

    def close(self) -> None:
        self.sock.close()


class Fleet:
    """Eight connections, four to each of two worker processes."""

    def __init__(self, path: str) -> None:
        self.connections: list[Connection] = []
        full = 0
        try:
            while len(self.connections) < 8:
                connection = Connection(path)
                self.connections.append(connection)
                connection.send(request_bytes("GET", "/whoami", "app.test", ""))
                process = connection.read().process
                if full == 0 and [c.process for c in self.connections].count(process) == 4:
                    full = process
                    os.kill(full, signal.SIGSTOP)  # so that the other accepts the rest
        finally:
            if full:
                os.kill(full, signal.SIGCONT)
        assert sorted(Counter(c.process for c in self.connections).values()) == [4, 4]
        half = sorted(self.connections, key=lambda c: c.process)
        self.connections = [c for pair in zip(half[:4], half[4:], strict=True) for c in pair]

    def volley(self, requests: Sequence[bytes]) -> list[Reply]:
        """Send up to eight requests at one moment, and return the responses in the same order.

        All but the last byte of each is sent before, and then the last bytes at once.
        """
        used = list(zip(self.connections, requests, strict=False))
        barrier = threading.Barrier(len(used))

        def fire(connection: Connection, request: bytes) -> None:
            barrier.wait()
            connection.send(request[-1:])

        threads = [threading.Thread(target=fire, args=pair) for pair in used]
        for connection, request in used:
            connection.send(request[:-1])
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [connection.read() for connection, _ in used]


def request_bytes(method: str, path: str, host: str, cookies: str) -> bytes:
    """Return a request as a program sends it through a proxy that speaks https."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "X-Forwarded-Proto: https"]
    lines += [f"Cookie: {cookies}"] if cookies else []
    lines += ["Content-Length: 0"] if method == "POST" else []
    return "\r\n".join([*lines, "", ""]).encode()


class Browser:
    """A cookie jar, and what its user does."""

    def __init__(self, path: str, gates: Path, host: str = "app.test") -> None:
        self.path, self.gates, self.host = path, gates, host
        self.jar = Jar()

    def request(self, method: str, path: str) -> bytes:
        """Return the bytes of a request with the cookies of this moment."""
        return request_bytes(method, path, self.host, self.jar.header())

    def send(self, method: str, path: str, jar: Jar | None = None) -> Connection:
        """Send a request, and return its connection."""
        connection = Connection(self.path)
        cookies = (jar or self.jar).header()
        connection.send(request_bytes(method, path, self.host, cookies))
        return connection

    def ask(self, method: str, path: str, jar: Jar | None = None) -> Reply:
        """Send a request, with the cookies of another jar if one is given. Set no cookies."""
        with closing(self.send(method, path, jar)) as connection:
            return connection.read()

    def visit(self, method: str, path: str) -> Reply:
        """Send a request and set the cookies that come."""
        reply = self.ask(method, path)
        self.jar.receive(reply.set_cookies)
        return reply

    def receive(self, replies: Sequence[Reply]) -> None:
        for reply in replies:
            self.jar.receive(reply.set_cookies)

    def start(self, next: str = "/next") -> str:  # noqa: A002
        """Start a login and return its state."""
        reply = self.visit("GET", f"/login?next={quote(next, safe='')}")
        assert reply.status == 302, reply
        return state_in(reply)

    def finish(self, state: str, code: str) -> Reply:
        """Come back from the provider."""
        return self.visit("GET", callback(state, code))

    def log_in(self) -> str:
        """Do a whole login and return the code that was used."""
        code = new_code()
        reply = self.finish(self.start(), code)
        assert (reply.status, reply.location) == (303, "/next"), reply
        return code

    def log_out(self, path: str = "/logout") -> None:
        assert self.visit("POST", path).status in {200, 303}

    def token(self, jar: Jar | None = None) -> str | None:
        """Return the token of the protected view, or None if it is closed."""
        reply = self.ask("GET", "/me", jar)
        assert reply.status in {200, 401}, reply
        return reply.body if reply.status == 200 else None

    def slow(self, kind: str) -> SlowRequest:
        """Start a slow request, and return once its view has begun."""
        return SlowRequest(self, kind)


class SlowRequest:
    """A request that is held in its view until `end`."""

    def __init__(self, browser: Browser, kind: str) -> None:
        self.browser = browser
        self.gate = secrets.token_hex(8)
        self.connection = browser.send("GET", f"/slow/{kind}/{self.gate}")
        deadline = time.monotonic() + PATIENCE
        while not (browser.gates / f"{self.gate}.begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def end(self) -> Reply:
        """Let the view end, and set the cookies that come."""
        (self.browser.gates / f"{self.gate}.open").touch()
        with closing(self.connection):
            reply = self.connection.read()
        assert reply.status == 200, reply
        self.browser.receive([reply])
        return reply


def new_code() -> str:
    return secrets.token_urlsafe(16)


def callback(state: str, code: str) -> str:
    """Return the path and query to which the provider sends the browser back."""
    return f"/callback?code={code}&state={state}"


def state_in(reply: Answer) -> str:
    """Return the state in the redirect to the provider."""
    return parse_qs(urlsplit(str(reply.location)).query)["state"][0]
