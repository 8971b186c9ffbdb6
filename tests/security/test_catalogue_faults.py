"""Faults of the catalogue in `docs/security.md` that no other test shows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

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


@pytest.mark.parametrize("number", range(1, 9))
def test_store_that_fails_in_a_refresh(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Whichever operation of a refresh fails once, it is a 503, and the login lives on."""
    app = make_app(ALTDENTIFIER_REFRESH=True, ALTDENTIFIER_TIMEOUT=0.3)
    client = app.test_client()
    log_in(client)
    turn_clock(monkeypatch, 604_805)
    cache = extension(app).store.cache
    calls: list[str] = []

    def failing(name: str) -> Callable[..., Any]:
        method = getattr(cache, name)

        def call(*args: Any) -> Any:
            calls.append(name)
            if len(calls) == number:
                raise ConnectionError
            return method(*args)

        return call

    for name in ("get", "set", "delete"):
        monkeypatch.setattr(cache, name, failing(name))
    assert reason(client.get("/me")) == "store_unavailable"
    assert len(calls) >= number
    assert client.get("/me").status_code == 200
