"""A browser with a cookie jar that calls an app in this process, and a clock for its requests."""

from __future__ import annotations

import gc
import secrets
import time
from collections.abc import Callable, Sequence
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from .contenders import CONTENDERS, OAUTH, ORIGIN
from .lab import Place

OK = (200,)
REDIRECT = (302, 303)
HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
Environ = dict[str, Any]


class Browser:
    """One visitor of an app."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.cookies: dict[str, str] = {}

    def environ(self, url: str, method: str = "GET") -> Environ:
        """Return the WSGI environ of a request of *url*."""
        parts = urlsplit(url)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = HEADERS | ({"Cookie": cookies} if cookies else {})
        return create_environ(
            parts.path, ORIGIN, query_string=parts.query, headers=headers, method=method
        )

    def request(self, url: str, statuses: Sequence[int] = OK, method: str = "GET") -> str:
        """Request *url* and return its `Location`. Raises `RuntimeError` for another status."""
        _, status, headers = run_wsgi_app(self.place.app, self.environ(url, method), buffered=True)
        _expect(statuses, [int(status[:3])])
        for header in headers.getlist("Set-Cookie"):
            for name, cookie in SimpleCookie(header).items():
                self.cookies.pop(name, None)
                if cookie["max-age"] != "0" and "1970" not in cookie["expires"]:
                    self.cookies[name] = cookie.value
        return headers.get("Location", "")

    def start_login(self) -> str:
        """Start a login and return the path to which the provider sends the browser back."""
        location = self.request(CONTENDERS[self.place.name].login_path, REDIRECT)
        query = parse_qs(urlsplit(location).query)
        back = urlsplit(query["redirect_uri"][0])
        return f"{back.path}?code={secrets.token_urlsafe(16)}&state={query['state'][0]}"

    def log_in(self) -> None:
        """Log in, and make sure of it."""
        self.request(self.start_login() if self.place.name in OAUTH else "/login", REDIRECT)
        self.request("/protected")


def repeat(environ: Environ, times: int) -> list[Environ]:
    """Return copies of the environ of a request without a body, because an app may change one."""
    return [environ.copy() for _ in range(times)]


def timed(
    app: Flask,
    environs: Sequence[Environ],
    statuses: Sequence[int],
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Return the seconds that one request takes by *clock*. Default: CPU time of this process.

    Raises `RuntimeError` if a response has none of the *statuses*.
    """
    gc.collect()
    started = clock()
    seen = [call(app, environ) for environ in environs]
    took = clock() - started
    _expect(statuses, seen)
    return took / len(environs)


def call(app: Flask, environ: Environ) -> int:
    """Call an app, read its response, and return the status."""
    seen: list[str] = []

    def start_response(status: str, _headers: Any, _exc_info: Any = None) -> Any:
        seen.append(status)

    body: Any = app.wsgi_app(environ, start_response)
    for _ in body:
        pass
    body.close()
    return int(seen[0][:3])


def _expect(statuses: Sequence[int], seen: Sequence[int]) -> None:
    for status in seen:
        if status not in statuses:
            raise RuntimeError(f"status {status}")
