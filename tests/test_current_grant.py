"""`current_grant`, `logout()` and `logout_all()`."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from flask_altdentifier import Grant, current_grant, logout, logout_all, signals
from flask_altdentifier.errors import ConfigError, StoreUnavailable

from .support import (
    FakeAltDentifier,
    WatchedStore,
    cookies_of,
    finish,
    log_in,
    login_cookie_of,
    make_app,
    reason,
    start,
)


def test_nobody_is_logged_in(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/use", "use", lambda: str(current_grant.scope))
    assert client.get("/who").text == "nobody"
    with pytest.raises(RuntimeError, match="if current_grant"):
        client.get("/use")


def test_falsy_outside_of_a_request() -> None:
    assert not current_grant


def test_missing_registration_is_a_config_error() -> None:
    with Flask("bare").test_request_context():
        for use in (bool, lambda grant: grant.scope):
            with pytest.raises(ConfigError, match="register_blueprint"):
                use(current_grant)


def test_grant_of_the_request(app: Flask, client: FlaskClient) -> None:
    @app.get("/grant")
    def show() -> list[Any]:
        same = isinstance(current_grant, Grant)
        return [same, current_grant.access_token, current_grant.covers("read:user")]

    log_in(client)
    assert client.get("/grant").json == [True, "blablatoken0", True]


def test_expired_grant_is_falsy(
    client: FlaskClient, provider: FakeAltDentifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.token = {"expires_in": 60}
    log_in(client)
    now = time.time()
    monkeypatch.setattr("flask_altdentifier.grant.time.time", lambda: now + 61)
    assert client.get("/who").text == "nobody"


def test_expired_grant_can_be_read_beside_an_unknown_cookie(
    app: Flask, client: FlaskClient, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.add_url_rule("/expired", "expired", lambda: [current_grant.expired])
    log_in(client)
    name, value = login_cookie_of(client) or ("", "")
    [key] = store.keys("grant")
    store.set(key, store.get(key), 700_000)
    later = time.time() + 604_801
    monkeypatch.setattr(time, "time", lambda: later)
    bare = app.test_client(use_cookies=False)  # a browser would have dropped the cookie
    for other in ("", f"; {name}={'x' * 43}"):
        headers = {"Cookie": f"{name}={value}{other}"}
        assert bare.get("/expired", headers=headers).json == [True]


def test_page_that_asks_who_is_there_varies_by_cookie(client: FlaskClient) -> None:
    assert client.get("/who").headers["Vary"] == "Cookie"
    assert "Vary" not in client.get("/").headers


def test_threads_of_one_request_see_one_grant(
    app: Flask, client: FlaskClient, store: WatchedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, get = Barrier(3), store.get

    @app.get("/threads")
    def threads() -> list[bool]:
        with ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(copy_context().run, bool, current_grant) for _ in range(3)]
            return [answer.result() for answer in answers]

    log_in(client)
    monkeypatch.setattr(store, "get", lambda key: (at_once.wait(5), get(key))[1])
    assert client.get("/threads").json == [True] * 3


def test_damaged_grant_logs_nobody_in(client: FlaskClient, store: WatchedStore) -> None:
    log_in(client)
    [key] = store.keys("grant")
    for data in ("null", "7", "{}", '{"access_token": 1}'):
        store.set(key, f'{{"kind": "grant", "key": "{key}", "data": {data}}}', 60)
        assert client.get("/me").status_code == 401


def test_grant_of_one_app_is_none_in_another(app: Flask, client: FlaskClient) -> None:
    """Both are asked in one request, as with a middleware that dispatches."""
    other = make_app()

    @app.get("/nested")
    def nested() -> str:
        environ = {**request.environ, "PATH_INFO": "/who"}
        return f"{bool(current_grant)} {Response.from_app(other, environ).get_data(as_text=True)}"

    log_in(client)
    assert client.get("/nested").text == "True nobody"


def test_clearing_the_session_does_not_log_out(client: FlaskClient) -> None:
    client.get("/cart/apples")
    log_in(client)
    client.get("/clear")
    assert client.get("/who").text == "known"


# Logging out


def test_no_copy_of_the_cookies_survives_a_logout(
    client: FlaskClient, other_browser: FlaskClient
) -> None:
    log_in(client)
    for name, value in cookies_of(client).items():
        other_browser.set_cookie(name, value)
    assert other_browser.get("/who").text == "known"
    response = client.post("/logout")
    assert (response.status_code, response.location) == (303, "/")
    assert cookies_of(client) == {}
    for browser in (client, other_browser):
        assert browser.get("/who").text == "nobody"


def test_logout_from_a_view(app: Flask, client: FlaskClient) -> None:
    @app.get("/leave")
    def leave() -> str:
        before = bool(current_grant)
        logout()
        return f"{before} {bool(current_grant)}"

    log_in(client)
    assert [client.get("/leave").text for _ in range(2)] == ["True False", "False False"]
    assert login_cookie_of(client) is None


def test_logged_out_is_sent_once_and_with_the_grant(app: Flask, client: FlaskClient) -> None:
    sent: list[Any] = []

    async def on_logout(sender: Flask, grant: Any) -> None:
        sent.append((sender, grant.access_token, bool(current_grant)))

    with signals.logged_out.connected_to(on_logout, app):
        log_in(client)
        client.post("/logout")
        client.post("/logout")
    assert sent == [(app, "blablatoken0", False)]


def test_failure_is_raised_once_per_request(app: Flask, store: WatchedStore) -> None:
    """So that a page about the failure can show who is logged in."""

    @app.get("/twice")
    def twice() -> str:
        with pytest.raises(StoreUnavailable):
            bool(current_grant)
        return str(bool(current_grant))

    client = app.test_client()
    log_in(client)
    store.fail()
    store.calls.clear()
    assert client.get("/twice").text == "False"
    assert store.calls == ["get grant"]
    assert reason(client.get("/me")) == "store_unavailable"
    assert client.get("/").text == "hello"
    store.failing.clear()
    assert client.get("/me").status_code == 200


# Ending every login


def test_logout_all_ends_logins_and_pending_logins_of_one_app(
    app: Flask, client: FlaskClient, other_browser: FlaskClient, store: WatchedStore
) -> None:
    other = make_app(ALTDENTIFIER_CLIENT_ID="other", ALTDENTIFIER_STORE=store)
    others = other.test_client()
    log_in(others)
    client.get("/cart/apples")
    log_in(client)
    log_in(other_browser)
    state = start(client)
    with app.app_context():
        assert [logout_all(), logout_all()] == [2, 0]
    assert client.get("/who").text == other_browser.get("/who").text == "nobody"
    assert reason(finish(client, state)) == "invalid_state"
    assert client.get("/cart").text == "apples"
    assert others.get("/who").text == "known"


def test_logout_all_ends_the_grant_of_its_own_request(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule(
        "/end", "end", lambda: f"{bool(current_grant)} {logout_all()} {bool(current_grant)}"
    )
    log_in(client)
    assert client.get("/end").text == "True 1 False"
