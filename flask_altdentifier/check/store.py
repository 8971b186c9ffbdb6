"""Whether the store and the sessions' backend take what they are given, and give it back."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, Response
from flask.globals import app_ctx
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import create_environ

from ..backends import session_cache
from ..errors import ConfigError, StoreUnavailable
from ..installed import installed
from .caches import (
    MAX_WAIT,
    STORE,
    in_caches,
    keys,
    place,
    redis_line,
    server_line,
    sessions_cache,
)
from .findings import Findings, finding


def in_store(app: Flask) -> Findings:
    """Write a record to the store and a session to its backend, and take both back."""
    named = installed().settings.store
    cookies = isinstance(app.session_interface, SecureCookieSessionInterface)
    if cookies and named is None:
        return  # there is no store, and the finding about the sessions says so
    down = _failure_of(_use_store)
    if isinstance(down, ConfigError):
        yield finding("store-config", problem=down, mend=redis_line(STORE))
    elif down is not None:
        cache = sessions_cache(app) if named is None else named
        yield finding("store-unreachable", why=_why(down), mend=server_line(keys(app)[0], cache))
    with suppress(ConfigError):  # then there is none, and the finding above says so
        yield from in_caches(app, session_cache(app) if named is None else named)
    shared = named is None or place(sessions_cache(app)) == place(named)
    if not cookies and not (shared and isinstance(down, (StoreUnavailable, _Late))):
        yield from _in_sessions(app)


def _in_sessions(app: Flask) -> Findings:
    down = _failure_of(_use_sessions)
    if down is not None:
        mend = server_line(keys(app)[1], sessions_cache(app))
        yield finding("sessions-unreachable", why=_why(down), mend=mend)


class _Late(Exception):
    """A server did not answer in time."""


def _failure_of(use: Callable[[], None]) -> Exception | None:
    """Return what *use* raises, `_Late` where it takes too long, or None.

    It runs in a thread, since a client without timeouts may wait for ever.
    """
    app, ended = app_ctx.app, list[Exception | None]()

    def run() -> None:
        try:
            with app.app_context():
                use()
            ended.append(None)
        except Exception as problem:
            ended.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(MAX_WAIT)
    return ended[0] if ended else _Late()


def _why(problem: Exception) -> str:
    """Return the kind of *problem*, never its text, which may hold addresses and passwords."""
    if isinstance(problem, _Late):
        return f" within {MAX_WAIT:g} seconds"
    cause = problem.__context__ if isinstance(problem, StoreUnavailable) else problem
    return "" if cause is None else f" ({type(cause).__name__})"


def _use_store() -> None:
    """Write a record and take it back. Raises `ConfigError` and `StoreUnavailable`."""
    store, name = installed().store, secrets.token_hex(16)
    store.put("login", name, name, 60)
    if store.take("login", name, str) != name:
        raise StoreUnavailable


class _Browser(Response):
    """Takes a session cookie, and nothing else."""

    cookie = ""

    def set_cookie(self, key: str, value: str = "", **_: Any) -> None:  # type: ignore[override]
        self.cookie = f"{key}={value}"


def _use_sessions() -> None:
    """Write a session and read it, as two requests of a browser do, and delete it.

    Raises `StoreUnavailable` where it does not come back, and whatever the backend raises.
    """
    app, browser, key = app_ctx.app, _Browser(), "altdentifier_check"
    interface = app.session_interface

    def session() -> Any:
        environ = create_environ(headers={"Cookie": browser.cookie})
        return interface.open_session(app, app.request_class(environ))

    written = session()
    written[key] = True
    interface.save_session(app, written, browser)
    read = session()
    if key not in read:
        raise StoreUnavailable
    read.clear()
    interface.save_session(app, read, browser)
