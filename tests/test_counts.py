"""What requests cost: calls of the store and cookies. Counts are the same on every machine."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_altdentifier.state import get_state

from .support import WatchedStore, cookies_of, finish, log_in, query_of, set_cookies, start

UNKNOWN = f"/callback?code=a-code&state={'x' * 43}"
CALLBACK = ["delete session", "get session", "pop pending", "set grant", "set return"]


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return app.test_client()


@pytest.fixture
def member(app: Flask) -> FlaskClient:
    """A browser that is logged in; the app keeps nothing in the session."""
    client = app.test_client()
    log_in(client)
    return client


@pytest.fixture
def buyer(app: Flask) -> FlaskClient:
    """A browser that is logged in; the app keeps something in the session."""
    client = app.test_client()
    client.get("/cart/apples")
    log_in(client)
    return client


@pytest.mark.parametrize(
    ("browser", "method", "path", "calls"),
    [
        ("visitor", "GET", "/", []),
        ("member", "GET", "/", []),
        ("buyer", "GET", "/", ["get session"]),
        ("visitor", "GET", "/me", []),
        ("member", "GET", "/me", ["get grant"]),
        ("buyer", "GET", "/me", ["get grant", "get session"]),
        ("visitor", "GET", "/login", ["set pending", "set session"]),
        ("visitor", "GET", UNKNOWN, []),
        ("member", "GET", UNKNOWN, ["get grant"]),
        ("visitor", "POST", "/logout", []),
        ("member", "POST", "/logout", ["delete grant", "get grant"]),
        (
            "buyer",
            "POST",
            "/logout",
            ["delete grant", "delete session", "get grant", "get session", "set session"],
        ),
    ],
)
def test_calls_of_the_store(
    request: pytest.FixtureRequest,
    store: WatchedStore,
    browser: str,
    method: str,
    path: str,
    calls: list[str],
) -> None:
    client: FlaskClient = request.getfixturevalue(browser)
    store.calls.clear()
    client.open(path, method=method)
    assert sorted(store.calls) == calls


@pytest.mark.parametrize(("path", "calls"), [("/", 0), ("/login", 1), (UNKNOWN, 1), ("/me", 2)])
def test_calls_of_get_state(member: FlaskClient, path: str, calls: int) -> None:
    """The state is passed down. `current_grant`, in the view of `/me`, has to ask for it."""
    asked: list[str] = []

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call" and frame.f_code is get_state.__code__:
            asked.append(path)

    sys.setprofile(note)
    try:
        member.get(path)
    finally:
        sys.setprofile(None)
    assert len(asked) == calls


@pytest.mark.parametrize(("browser", "more"), [("visitor", []), ("member", ["delete grant"])])
def test_calls_of_a_callback(
    request: pytest.FixtureRequest, store: WatchedStore, browser: str, more: list[str]
) -> None:
    client: FlaskClient = request.getfixturevalue(browser)
    state = start(client)
    store.calls.clear()
    finish(client, state)
    assert sorted(store.calls) == sorted([*CALLBACK, *more])


def test_cookies_that_are_set(visitor: FlaskClient, buyer: FlaskClient) -> None:
    started = visitor.get("/login")
    finished = finish(visitor, query_of(started.location)["state"])
    responses = [started, finished, visitor.post("/logout"), *map(buyer.get, ["/", "/me", UNKNOWN])]
    assert [len(set_cookies(response)) for response in responses] == [2, 3, 1, 0, 0, 0]


def test_login_leaves_one_small_record(member: FlaskClient, store: WatchedStore) -> None:
    [grant] = store.keys("grant")
    assert (store.keys("session"), store.keys("pending")) == ([], [])
    assert len(store._records[grant].value) < 400
    assert [len(f"{name}={value}") for name, value in cookies_of(member).items()] == [65]
