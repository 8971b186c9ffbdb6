"""The real package without processes: a clock that a test turns, a cache that obeys it, WSGI."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cachelib import BaseCache
from werkzeug.test import EnvironBuilder, run_wsgi_app

from .app import create_app
from .jar import Jar
from .transport import AnyCode

if TYPE_CHECKING:
    from flask import Flask

PACKAGE = "flask_altdentifier"


class Clock:
    """Seconds since 1970 that go on when they are told to, and by some microseconds at each look.

    A float of such a time, and a `datetime`, tells no smaller steps apart.
    """

    def __init__(self) -> None:
        self.nanoseconds = 1_800_000_000 * 10**9

    def time_ns(self) -> int:
        """Stand in for `time.time_ns`."""
        self.nanoseconds += 5_000
        return self.nanoseconds

    def time(self) -> float:
        """Stand in for `time.time`."""
        return self.time_ns() / 10**9

    def go_on(self, seconds: float) -> None:
        """Let time pass."""
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
        import_module(f"{PACKAGE}.provider")  # else the first login would, and miss the clock
        with pytest.MonkeyPatch.context() as patch:
            for name, module in list(sys.modules.items()):
                if name.partition(".")[0] != PACKAGE:
                    continue
                if vars(module).get("time") is time:
                    patch.setattr(module, "time", shown)
                if vars(module).get("datetime") is datetime.datetime:
                    patch.setattr(module, "datetime", Moment)
            yield


class ClockCache(BaseCache):
    """A cachelib cache in memory whose records end by a `Clock`, and that can be listened to."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(default_timeout=300)
        self.clock = clock
        self.records: dict[str, tuple[Any, float]] = {}
        #: Called with the name and the key of each operation before it is done.
        self.before: Callable[[str, str], None] = _nothing
        #: Called with the name and the key of each operation after it is done.
        self.after: Callable[[str, str], None] = _nothing

    def get(self, key: str) -> Any:
        """Return a copy of the value, or None."""
        self.before("get", key)
        value, end = self.records.get(key, (None, float("inf")))
        self.after("get", key)
        if end <= self.clock():
            return None
        return deepcopy(value)

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        """Write the value."""
        self.before("set", key)
        self.records[key] = (value, self.clock() + timeout)
        self.after("set", key)
        return True

    def delete(self, key: str) -> bool:
        """Remove the value and tell whether it was there."""
        self.before("delete", key)
        there = self.get_quietly(key)
        self.records.pop(key, None)
        self.after("delete", key)
        return there

    def get_quietly(self, key: str) -> bool:
        """Tell whether there is a value, without telling listeners."""
        return key in self.records and self.records[key][1] > self.clock()


def _nothing(operation: str, key: str) -> None:
    """Listen to a cache without doing anything."""


class Answer:
    """A response to a request in process."""

    def __init__(self, status: int, headers: Any, body: str) -> None:
        self.status = status
        self.location: str | None = headers.get("Location")
        self.set_cookies: list[str] = headers.getlist("Set-Cookie")
        self.body = body


def ask(app: Flask, method: str, path: str, jar: Jar) -> Answer:
    """Send a request with the cookies of *jar*, over https, and leave the cookies unread."""
    headers = [("Cookie", jar.header())] if jar.header() else []
    builder = EnvironBuilder(method=method, path=path, base_url="https://app.test", headers=headers)
    environ = builder.get_environ()
    builder.close()
    body, status, answered = run_wsgi_app(app, environ, buffered=True)
    return Answer(int(status.split()[0]), answered, b"".join(body).decode())


def memory_app(cache: BaseCache, name: str = "a", **config: Any) -> tuple[Flask, AnyCode]:
    """Return an app that keeps its sessions and logins in *cache*, and its transport."""
    app = create_app(
        {
            "SESSION_TYPE": "cachelib",
            "SESSION_CACHELIB": cache,
            "SESSION_PERMANENT": False,
            "SESSION_COOKIE_NAME": f"session_{name}",
            "ALTDENTIFIER_STORE": cache,
            "ALTDENTIFIER_CLIENT_ID": f"client {name}",
            **config,
        }
    )
    app.config["PROPAGATE_EXCEPTIONS"] = False
    transport = AnyCode()
    app.extensions["altdentifier"].transport = transport
    return app, transport
