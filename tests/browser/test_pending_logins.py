"""Pending logins: at most five per browser, each finished once and in its own browser."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from flask_altdentifier import authorize_redirect, errors
from flask_altdentifier.browser.pending_logins import MAX_PENDING, PendingLogin

from ..support import (
    NAME,
    WatchedStore,
    cookies_of,
    finish,
    reason,
    set_cookies,
    start,
)


def test_record_keeps_everything() -> None:
    login = PendingLogin("/me", frozenset({"a", "b"}), "http://localhost/callback", "v", 1.5)
    assert PendingLogin.from_record(login.to_record()) == login
    assert "'v'" not in repr(login)


def test_five_tabs_finish_in_any_order_and_a_sixth_evicts_the_oldest(
    client: FlaskClient, store: WatchedStore
) -> None:
    states = [start(client, f"/login?next=/{number}") for number in range(6)]
    assert len(store.keys("pending")) == MAX_PENDING
    assert reason(finish(client, states[0])) == "invalid_state"
    for number in (3, 1, 5, 2, 4):
        assert finish(client, states[number]).location == f"/{number}"


def merge(browser: FlaskClient, tabs: list[FlaskClient]) -> None:
    """Put the cookies of all tabs into one browser, as if they were opened at once."""
    for cookie in itertools.chain(*(tab._cookies.values() for tab in tabs)):  # type: ignore[union-attr]
        browser.set_cookie(cookie.key, cookie.value)


def test_only_the_newest_of_tabs_that_were_opened_at_once_finish(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    tabs = [app.test_client() for _ in range(2 * MAX_PENDING + 2)]
    states = [start(tab) for tab in tabs]
    merge(client, tabs)
    for too_old, left in ((states[5], 7), (states[6], 5)):  # one response evicts five
        assert reason(finish(client, too_old)) == "invalid_state"
        assert len(store.keys("pending")) == left
    assert [finish(client, state).status_code for state in states[-5:]] == [303] * MAX_PENDING
    assert finish(client, states[0]).location == "/"  # logged in, but not by this one


def test_thirty_tabs_at_once_set_at_most_eight_cookies(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    tabs = [app.test_client() for _ in range(30)]
    states = [start(tab) for tab in tabs]
    merge(client, tabs)
    store.calls.clear()
    for _ in range(7):
        response = client.get("/login")
        assert len(set_cookies(response)) <= 8
    assert reason(finish(client, states[0])) == "invalid_state"
    assert len([name for name in cookies_of(client) if "_state_" in name]) == MAX_PENDING
    assert store.calls.count("delete pending") == 32


def test_login_of_an_error_handler_sets_at_most_eight_cookies(
    app: Flask, client: FlaskClient
) -> None:
    app.register_error_handler(errors.AccessDenied, lambda _: authorize_redirect(next="/"))
    tabs = [app.test_client() for _ in range(16)]
    states = [start(tab) for tab in tabs]
    merge(client, tabs)
    response = client.get(f"/callback?error=access_denied&state={states[-1]}")
    assert response.location.startswith("https://altdentifier.com/")
    assert len(set_cookies(response)) <= 8


def test_login_of_an_error_handler_takes_the_place_of_the_failed_one(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    app.register_error_handler(errors.AccessDenied, lambda _: authorize_redirect(next="/"))
    states = [start(client) for _ in range(MAX_PENDING)]
    client.get(f"/callback?error=access_denied&state={states[2]}")
    assert len(store.keys("pending")) == MAX_PENDING
    assert finish(client, states[0]).status_code == 303


def made_up(number: int) -> tuple[str, str]:
    """Return a state cookie that looks like ours, dated in the future."""
    name = f"{NAME}_state_{number:016}"
    return name, f"{9 * 10**18 + number}.{'x' * 43}.{'x' * 43}"


def test_made_up_cookies_crowd_nobody_out_and_cost_nothing(
    client: FlaskClient, store: WatchedStore
) -> None:
    states = [start(client) for _ in range(MAX_PENDING - 1)]
    for number in range(60):
        client.set_cookie(*made_up(number))
    store.calls.clear()
    response = client.get("/login")
    assert len(set_cookies(response)) == 2
    assert sorted(store.calls) == ["get session", "set pending", "set session"]
    assert [finish(client, state).status_code for state in states] == [303] * len(states)


def test_cookie_is_evicted_by_its_own_time(app: Flask, client: FlaskClient) -> None:
    """Neither the order of the header nor the session decides."""
    states = [start(client) for _ in range(MAX_PENDING)]
    jar = [f"{name}={value}" for name, value in cookies_of(client).items() if name != "session"]
    for order in (jar, jar[::-1], jar[2:] + jar[:2]):
        bare = app.test_client(use_cookies=False)
        response = bare.get("/login", headers={"Cookie": "; ".join(order)})
        [deleted] = [c for c in response.headers.getlist("Set-Cookie") if "Max-Age=0" in c]
        assert deleted.startswith(f"{NAME}_state_{states[0][:16]}=")


def test_session_lists_the_states_and_is_checked_off(client: FlaskClient) -> None:
    states = [start(client) for _ in range(MAX_PENDING + 1)]
    assert session["altdentifier_states"] == states[1:]
    finish(client, states[3])
    assert session["altdentifier_states"] == [*states[1:3], *states[4:]]


def test_cookie_alone_finishes_a_login(client: FlaskClient) -> None:
    """A slow request can have rewritten the session meanwhile."""
    state = start(client)
    client.delete_cookie("session")
    assert finish(client, state).status_code == 303


def test_session_alone_finishes_no_login(client: FlaskClient, store: WatchedStore) -> None:
    state = start(client)
    client.delete_cookie(f"{NAME}_state_{state[:16]}")
    store.calls.clear()
    assert reason(finish(client, state)) == "invalid_state"
    assert "pop pending" not in store.calls


@pytest.mark.parametrize("states", [7, None, "text", {"a": 1}, [1, None, ["x"], "s" * 43], [{}]])
def test_foreign_data_in_the_session_is_ignored(client: FlaskClient, states: Any) -> None:
    with client.session_transaction() as transaction:
        transaction["altdentifier_states"] = states
    assert finish(client, start(client)).status_code == 303


def test_lifetime_of_record_and_cookie(client: FlaskClient, store: WatchedStore) -> None:
    """Both outlive the login, so that a late callback still knows its page."""
    cookie = client.get("/login").headers["Set-Cookie"]
    assert "Max-Age=1200;" in cookie
    assert 1199 < store.ttl(store.keys("pending")[0]) <= 1200
