"""Faults of the catalogue in `docs/security.md` that no other test shows."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from cachelib import BaseCache
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_altdentifier.errors import ProviderError
from flask_altdentifier.transport import Response

from ..support import (
    FakeAltDentifier,
    altdentifier,
    begin,
    cookies_of,
    extension,
    finish,
    log_in,
    make_app,
    reason,
)

#: Seconds that a token lasts.
WEEK = 604_800


def turn_clock(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Turn this process's clock, for all that asks for the time of day."""
    now, now_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + int(seconds * 10**9))


def test_wrong_credentials_are_told_to_the_operator(
    client: FlaskClient, provider: FakeAltDentifier, caplog: pytest.LogCaptureFixture
) -> None:
    """A 401 of the token endpoint is an error in the log that names both config keys."""
    provider.status = 401
    assert reason(finish(client, begin(client))) == "client_credentials_rejected"
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "ALTDENTIFIER_CLIENT_ID" in record.getMessage()
    assert "ALTDENTIFIER_CLIENT_SECRET" in record.getMessage()


def test_clock_that_is_turned_back(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that began an hour in the future works, and the grant lasts."""
    state = begin(client)
    turn_clock(monkeypatch, -3600)
    assert finish(client, state).status_code == 303
    assert client.get("/me").status_code == 200


def test_clock_that_is_turned_forward(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that seems to have taken an hour is refused, and a new one works."""
    state = begin(client)
    turn_clock(monkeypatch, 3600)
    assert reason(finish(client, state)) == "invalid_state"
    assert altdentifier(app).requests == []
    assert finish(client, begin(client)).status_code == 303


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_clocks_that_differ(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Logins begun by workers whose clocks are a day apart are at most five, and one finishes."""
    app = make_app(ALTDENTIFIER_LOGIN_LIFETIME=7 * 86_400)
    client = app.test_client()
    for _ in range(4):
        begin(client)
    turn_clock(monkeypatch, seconds)
    states = [begin(client) for _ in range(4)]
    assert len([k for k in cookies_of(client) if "_state_" in k]) == 5
    assert finish(client, states[-1]).status_code == 303


class OneAtATime(FakeAltDentifier):
    """Takes its time for a refresh, and fails the test where it is asked for another meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.busy, self.met = threading.Lock(), False

    def request(self, *args: Any, **kwargs: Any) -> Response:
        if not self.busy.acquire(blocking=False):
            self.met = True
            raise ProviderError
        try:
            time.sleep(0.02)
            return super().request(*args, **kwargs)
        finally:
            self.busy.release()


class FailingStore:
    """A store of which one operation of this thread fails, before or after it is done."""

    def __init__(self, number: int, moment: str, fails: Callable[[], None]) -> None:
        self.numbers, self.number, self.moment, self.fails = count(1), number, moment, fails
        self.thread = threading.get_ident()
        #: The operation that failed, and the kind of its record.
        self.failed: tuple[str, str] | None = None

    def watch(self, patch: pytest.MonkeyPatch, cache: BaseCache, name: str) -> None:
        """Watch one method of *cache*."""
        real = getattr(cache, name)

        def call(key: str, *args: Any) -> Any:
            if threading.get_ident() != self.thread or next(self.numbers) != self.number:
                return real(key, *args)
            self.failed = (name, key.split(":")[-2])
            if self.moment == "after":
                real(key, *args)
            self.fails()
            raise ConnectionError

        patch.setattr(cache, name, call)


def copy_of(app: Flask, client: FlaskClient) -> FlaskClient:
    """Return another client with the same cookies."""
    copy = app.test_client()
    for name, value in cookies_of(client).items():
        copy.set_cookie(name, value)
    return copy


def refresh_fails_at(number: int, moment: str, patch: pytest.MonkeyPatch) -> bool:
    """Refresh with one failure, at which others visit; False where it took fewer operations."""
    app = make_app(ALTDENTIFIER_REFRESH=True, ALTDENTIFIER_TIMEOUT=1)
    provider = extension(app).transport = OneAtATime()
    client = app.test_client()
    log_in(client)
    others = [copy_of(app, client) for _ in range(3)]
    turn_clock(patch, WEEK + 5)
    patch.setattr("cachelib.simple.time", lambda: time.time())
    with ThreadPoolExecutor(len(others)) as pool:
        visits: list[Future[TestResponse]] = []
        store = FailingStore(
            number, moment, lambda: visits.extend(pool.submit(it.get, "/me") for it in others)
        )
        with pytest.MonkeyPatch.context() as watched:
            for name in ("get", "set", "delete"):
                store.watch(watched, extension(app).store.cache, name)
            start = time.monotonic()
            response = client.get("/me")
            took = time.monotonic() - start
        answers = {visit.result().status_code for visit in visits}
    assert not provider.met
    if store.failed is None:
        assert response.status_code == 200
        return False
    assert reason(response) == "store_unavailable"
    assert took < 1
    fault = (*store.failed, moment)
    ended = fault == ("delete", "ticket", "after")
    assert answers == {401 if ended else 200}
    assert client.get("/me").status_code == (401 if ended else 200)
    # What was brought and could not be kept is asked for once more, later.
    sent = [form for _, _, _, form in provider.requests if form["grant_type"] == "refresh_token"]
    assert len(sent) == (0 if ended else 2 if fault == ("set", "refreshed", "before") else 1)
    # Where the ticket did not get back, the login ends with the token that was brought.
    ended |= fault == ("set", "ticket", "before")
    turn_clock(patch, WEEK + 5)
    assert client.get("/me").status_code == (401 if ended else 200)
    assert not provider.met
    log_in(client)
    assert client.get("/me").status_code == 200
    return True


@pytest.mark.parametrize("moment", ["before", "after"])
def test_store_that_fails_in_a_refresh(moment: str) -> None:
    """Whichever operation of a refresh fails: 503 at once, and no two refreshes at a time.

    The login lives on. Only where its ticket was removed and that was not confirmed it ends, and
    where the ticket could not be put back it ends with the token that was brought.
    """
    for number in count(1):
        with pytest.MonkeyPatch.context() as patch:
            if not refresh_fails_at(number, moment, patch):
                break
    assert number > 8
