"""The package without processes: a clock that a test turns, a store that it watches, and WSGI."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from flask_altdentifier import ApiResponse
from flask_altdentifier.stores import MemoryStore

from .app import BASE_URL, create_app
from .browser import Answer
from .jar import Jar
from .provider import Provider

PACKAGE = "flask_altdentifier"

T = TypeVar("T")


class Clock:
    """Seconds since 1970 that pass when a test says so, and by some microseconds at each look."""

    def __init__(self) -> None:
        self.nanoseconds = 1_800_000_000 * 10**9

    def time_ns(self) -> int:
        self.nanoseconds += 5_000
        return self.nanoseconds

    def time(self) -> float:
        return self.time_ns() / 10**9

    def advance(self, seconds: float) -> None:
        self.nanoseconds += int(seconds * 10**9)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show this clock to every module of the package."""
        clock = self

        class Moment(datetime.datetime):
            @classmethod
            def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
                return datetime.datetime.fromtimestamp(clock.time(), tz)

        shown = SimpleNamespace(time=self.time, time_ns=self.time_ns, monotonic=time.monotonic)
        import_module(f"{PACKAGE}.oauth.client")  # the first login imports it
        with pytest.MonkeyPatch.context() as patch:
            for name, module in list(sys.modules.items()):
                if name.partition(".")[0] != PACKAGE:
                    continue
                if vars(module).get("time") is time:
                    patch.setattr(module, "time", shown)
                if vars(module).get("datetime") is datetime.datetime:
                    patch.setattr(module, "datetime", Moment)
            yield


class Store(MemoryStore):
    """A store that calls a test before and after each call, with the method and the key."""

    def __init__(self) -> None:
        super().__init__()
        self.work()

    def work(self) -> None:
        """Call nobody any more."""
        self.before: Callable[[str, str], None] = lambda method, key: None
        self.after: Callable[[str, str], None] = lambda method, key: None

    def records(self, kind: str) -> dict[str, str]:
        """Return the records of one kind that have not expired, without a call."""
        keys = [key for key in self._records if f":{kind}:" in key]
        found = {key: MemoryStore.get(self, key) for key in keys}
        return {key: value for key, value in found.items() if value is not None}


def _watched(method: str) -> Callable[..., Any]:
    def call(store: Store, key: str, *values: Any) -> Any:
        store.before(method, key)
        result = getattr(MemoryStore, method)(store, key, *values)
        store.after(method, key)
        return result

    return call


for _method in ("get", "set", "pop", "delete"):
    setattr(Store, _method, _watched(_method))


class Transport(Provider):
    """A provider without a socket."""

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        read: Callable[[ApiResponse], T],
    ) -> T:
        return read(ApiResponse(200, Headers(), self.answer(body or b"")))


def memory_app(store: Store, name: str = "a") -> tuple[Flask, Transport]:
    """Return an app that keeps its records in *store*, and its provider."""
    app = create_app(
        {
            "SESSION_COOKIE_NAME": f"session_{name}",
            "ALTDENTIFIER_STORE": store,
            "ALTDENTIFIER_CLIENT_ID": f"client {name}",
            "PROPAGATE_EXCEPTIONS": False,
        }
    )
    transport = app.extensions["altdentifier"].transport = Transport()
    return app, transport


def ask(app: Flask, path: str, jar: Jar, method: str = "GET") -> Answer:
    """Send a request with the cookies of *jar*, over https, and set no cookies."""
    headers = [("Cookie", jar.header())] if jar.header() else []
    builder = EnvironBuilder(method=method, path=path, base_url=BASE_URL, headers=headers)
    body, status, answered = run_wsgi_app(app, builder.get_environ(), buffered=True)
    builder.close()
    cookies = answered.getlist("Set-Cookie")
    text = b"".join(body).decode()
    return Answer(int(status.split()[0]), answered.get("Location"), cookies, text)
