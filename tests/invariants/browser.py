"""Browsers that speak HTTP to a server, and volleys of requests at one moment."""

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
from urllib.parse import parse_qs, urlsplit

from ..servers.process import wait_until
from .jar import Jar

#: Seconds that a response may take.
PATIENCE = 40.0
#: Path of a socket, or host and port.
Address = str | tuple[str, int]


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    location: str | None
    set_cookies: list[str]
    body: str
    process: int = 0
    seconds: float = 0


class Connection:
    """A connection that is kept, and so stays with one worker process."""

    def __init__(self, address: Address) -> None:
        self.sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(address)
        self.close = self.sock.close
        self.process = 0

    def send(self, request: bytes) -> None:
        self.started = time.monotonic()
        self.sock.sendall(request)

    def read(self) -> Answer:
        with closing(HTTPResponse(self.sock)) as response:
            response.begin()
            body = response.read().decode(errors="replace")
        self.process = int(response.headers.get("X-Process", "0"))
        cookies = response.headers.get_all("Set-Cookie", [])
        seconds = time.monotonic() - self.started
        place = response.headers["Location"]
        return Answer(response.status, place, cookies, body, self.process, seconds)


class Fleet:
    """Eight connections, four to each of two worker processes."""

    def __init__(self, path: str) -> None:
        self.connections: list[Connection] = []
        full = 0
        try:
            while len(self.connections) < 8:
                connection = Connection(path)
                self.connections.append(connection)
                connection.send(request_bytes("GET", "/whoami"))
                process = connection.read().process
                assert process
                if full == 0 and [c.process for c in self.connections].count(process) == 4:
                    full = process
                    os.kill(full, signal.SIGSTOP)  # so that the other accepts the rest
        finally:
            if full:
                os.kill(full, signal.SIGCONT)
        assert sorted(Counter(c.process for c in self.connections).values()) == [4, 4]
        half = sorted(self.connections, key=lambda c: c.process)
        self.connections = [c for pair in zip(half[:4], half[4:], strict=True) for c in pair]

    def volley(self, requests: Sequence[bytes]) -> list[Answer]:
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


def request_bytes(method: str, path: str, cookies: str = "") -> bytes:
    """Return a request as a program sends it through a proxy that speaks https."""
    lines = [f"{method} {path} HTTP/1.1", "Host: app.test", "X-Forwarded-Proto: https"]
    lines += [f"Cookie: {cookies}"] * bool(cookies) + ["Content-Length: 0"] * (method == "POST")
    return "\r\n".join([*lines, "", ""]).encode()


class Browser:
    """A cookie jar, and what its user does."""

    def __init__(self, address: Address, gates: Path) -> None:
        self.address, self.gates, self.jar = address, gates, Jar()

    def request(self, path: str, method: str = "GET") -> bytes:
        """Return the bytes of a request with the cookies of this moment."""
        return request_bytes(method, path, self.jar.header())

    def send(self, path: str, jar: Jar | None = None, method: str = "GET") -> Connection:
        """Send a request, and return its connection."""
        connection = Connection(self.address)
        connection.send(request_bytes(method, path, (jar or self.jar).header()))
        return connection

    def ask(self, path: str, jar: Jar | None = None, method: str = "GET") -> Answer:
        """Send a request, with the cookies of another jar if one is given. Set no cookies."""
        with closing(self.send(path, jar, method)) as connection:
            return connection.read()

    def receive(self, *answers: Answer) -> None:
        for answer in answers:
            self.jar.receive(answer.set_cookies)

    def get(self, path: str) -> Answer:
        """Visit a page: send a request and set the cookies that come."""
        answer = self.ask(path)
        self.receive(answer)
        return answer

    def post(self, path: str) -> Answer:
        answer = self.ask(path, method="POST")
        self.receive(answer)
        return answer

    def start(self, next: str = "/next") -> str:  # noqa: A002
        """Start a login and return its state."""
        return state_in(self.get(f"/login?next={next}"))

    def finish(self, state: str, code: str) -> Answer:
        """Come back from the provider."""
        return self.get(callback(state, code))

    def log_in(self) -> str:
        """Do a whole login and return the code that was used."""
        code = new_code()
        answer = self.finish(self.start(), code)
        assert (answer.status, answer.location) == (303, "/next"), answer
        return code

    def token(self, jar: Jar | None = None) -> str | None:
        """Return the token of the protected view, or None if it is closed."""
        answer = self.ask("/me", jar)
        assert answer.status in {200, 401}, answer
        return answer.body if answer.status == 200 else None

    def slow(self, kind: str) -> SlowRequest:
        """Start a slow request, and return once its view has begun."""
        return SlowRequest(self, kind)


class SlowRequest:
    """A request that is held in its view until `end`."""

    def __init__(self, browser: Browser, kind: str) -> None:
        self.browser, gate = browser, secrets.token_hex(8)
        self.connection = browser.send(f"/slow/{kind}/{gate}")
        self.gate = browser.gates / f"{gate}.open"
        wait_until((browser.gates / f"{gate}.begun").exists, "slow request")

    def end(self) -> None:
        """Let the view end, and set the cookies that come."""
        self.gate.touch()
        with closing(self.connection):
            answer = self.connection.read()
        assert answer.status == 200, answer
        self.browser.receive(answer)


def new_code() -> str:
    return secrets.token_urlsafe(16)


def callback(state: str, code: str) -> str:
    """Return the path and query to which the provider sends the browser back."""
    return f"/callback?code={code}&state={state}"


def state_in(answer: Answer) -> str:
    """Return the state in the redirect to the provider."""
    assert answer.status == 302, answer
    return parse_qs(urlsplit(str(answer.location)).query)["state"][0]
