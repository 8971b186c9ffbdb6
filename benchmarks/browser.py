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
from werkzeug.test import create_environ

from .contenders import ORIGIN, Contender

OK = (200,)
REDIRECT = (302, 303)
HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}

Headers = list[tuple[str, str]]


class Browser:
    """One visitor of an app."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    def environ(self, url: str, method: str = "GET") -> dict[str, Any]:
        """Return the WSGI environ of a request of *url*."""
        parts = urlsplit(url)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = HEADERS | ({"Cookie": cookies} if cookies else {})
        return create_environ(
            parts.path, ORIGIN, query_string=parts.query, headers=headers, method=method
        )

    def request(self, url: str, statuses: Sequence[int] = OK, method: str = "GET") -> str | None:
        """Request *url* and return its `Location`. Raises `RuntimeError` for another status."""
        status, headers = call(self.app, self.environ(url, method))
        _expect(statuses, [status])
        location = None
        for name, value in headers:
            if name == "Set-Cookie":
                self._store(value)
            elif name == "Location":
                location = value
        return location

    def start_login(self, contender: Contender) -> str:
        """Start a login and return the path to which the provider sends the browser back."""
        location = self.request(contender.login_path, REDIRECT)
        query = parse_qs(urlsplit(location or "").query)
        back = urlsplit(query["redirect_uri"][0])
        return f"{back.path}?code={secrets.token_urlsafe(16)}&state={query['state'][0]}"

    def log_in(self, contender: Contender) -> None:
        """Log in, and make sure of it."""
        path = self.start_login(contender) if contender.oauth else contender.login_path
        self.request(path, REDIRECT)
        self.request("/protected")

    def _store(self, header: str) -> None:
        for name, cookie in SimpleCookie(header).items():
            if cookie["max-age"] == "0" or "1970" in cookie["expires"]:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = cookie.value


def repeat(environ: dict[str, Any], times: int) -> list[dict[str, Any]]:
    """Return copies of the environ of a request without a body, because an app may change one."""
    return [environ.copy() for _ in range(times)]


def timed(
    app: Flask,
    environs: Sequence[dict[str, Any]],
    statuses: Sequence[int],
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Return the seconds that one request takes by *clock*. Default: CPU time of this process.

    Raises `RuntimeError` if a response has none of the *statuses*.
    """
    seen = []
    gc.collect()
    started = clock()
    for environ in environs:
        seen.append(call(app, environ)[0])  # noqa: PERF401
    took = clock() - started
    _expect(statuses, seen)
    return took / len(environs)


def call(app: Flask, environ: dict[str, Any]) -> tuple[int, Headers]:
    """Call an app and read its response. Return the status and the headers."""
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, _exc_info: Any = None) -> Any:
        started.append((status, headers))

    body: Any = app.wsgi_app(environ, start_response)
    for _ in body:
        pass
    body.close()
    status, headers = started[0]
    return int(status[:3]), headers


def _expect(statuses: Sequence[int], seen: Sequence[int]) -> None:
    for status in seen:
        if status not in statuses:
            raise RuntimeError(f"status {status}")
