"""A browser that speaks plain HTTP to a server on this machine."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

from ..invariants.jar import Jar
from ..servers.process import HOST

#: Seconds that a response may take on a busy machine.
PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    location: str | None
    body: str
    process: str | None
    set_cookies: list[str]


class Browser:
    """A cookie jar, and what its user does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.jar = Jar()

    def ask(
        self, path: str, method: str = "GET", ready: Callable[[], object] = lambda: None
    ) -> Answer:
        """Connect, call *ready*, and send a request. Set no cookies."""
        cookies = {"Cookie": self.jar.header()} if self.jar.items() else {}
        with closing(HTTPConnection(HOST, self.port, timeout=PATIENCE)) as connection:
            connection.connect()
            ready()
            connection.request(method, path, headers=cookies)
            response = connection.getresponse()
            body = response.read().decode()
        set_cookies = response.headers.get_all("Set-Cookie", [])
        process = response.headers["X-Process"]
        return Answer(response.status, response.headers["Location"], body, process, set_cookies)

    def visit(self, path: str, method: str = "GET") -> Answer:
        """Send a request, and set the cookies that come."""
        answer = self.ask(path, method)
        self.jar.receive(answer.set_cookies)
        return answer

    def ask_at_once(self, path: str, count: int = 8) -> list[Answer]:
        """Send a request on each of *count* connections at the same moment. Set no cookies."""
        connected = Barrier(count, timeout=PATIENCE)
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.ask(path, ready=connected.wait), range(count)))

    def start(self) -> str:
        """Start a login, and return its state."""
        started = self.visit("/login?next=/me")
        assert started.status == 302, started
        return parse_qs(urlsplit(str(started.location)).query)["state"][0]

    def log_in(self) -> str:
        """Do a whole login, and return the code that was used."""
        code = new_code()
        finished = self.visit(callback(self.start(), code))
        assert (finished.status, finished.location) == (303, "/me"), finished
        return code


def new_code() -> str:
    return secrets.token_urlsafe(16)


def callback(state: str, code: str) -> str:
    """Return the path and query to which the provider sends the browser back."""
    return f"/callback?code={code}&state={state}"
