"""What the extension keeps for each app: store, key prefix, paths."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from flask_altdentifier import blueprint
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.http.transport import HTTPTransport
from flask_altdentifier.scopes import DOCUMENTED_SCOPE_NAMES
from flask_altdentifier.state import MAX_LOGIN_URL, get_state
from flask_altdentifier.stores import MemoryStore
from flask_altdentifier.urls import MAX_PATH

from .support import bare_app, make_app, query_of, state_of


def test_threads_share_one_default_store(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    state = state_of(make_app(ALTDENTIFIER_STORE=None))
    get_store, threads = state.get_store, ThreadPoolExecutor(1)
    late: list[Any] = []

    def choose(_: Flask) -> MemoryStore:
        late.append(threads.submit(get_store))
        time.sleep(0.05)  # the other thread waits meanwhile
        return MemoryStore()

    monkeypatch.setattr("flask_altdentifier.state.default_store", choose)
    with app.app_context(), threads:
        assert get_store() is late[0].result()


@pytest.mark.parametrize("prefix", ["", "a", "altdentifier:"])
def test_unsafe_session_key_prefix_is_refused(prefix: str) -> None:
    """A session cookie could name a record of ours."""
    with pytest.raises(ConfigError, match="SESSION_KEY_PREFIX"):
        make_app(SESSION_KEY_PREFIX=prefix)


def test_key_prefix_differs_between_providers_clients_and_session_prefixes() -> None:
    configs: list[dict[str, str]] = [
        {},
        {"ALTDENTIFIER_BASE_URL": "http://127.0.0.1:8400"},
        {"ALTDENTIFIER_CLIENT_ID": "other"},
        {"SESSION_KEY_PREFIX": "other:"},
    ]
    assert len({state_of(make_app(**config)).key_prefix for config in configs}) == 4


@pytest.mark.parametrize("config", [{}, {"SESSION_KEY_PREFIX": "session:"}])
def test_key_prefix_stays_the_same(config: dict[str, str]) -> None:
    """With another prefix, an update would end every login."""
    assert state_of(make_app(**config)).key_prefix == "altdentifier:38c203902c1b15b6:"


def test_state_of_another_app_can_be_read_in_the_context_of_one(app: Flask) -> None:
    other = make_app()
    with app.app_context():
        assert get_state().app is app
        assert get_state(other).app is other


def test_transport_has_origin_and_timeout() -> None:
    app = bare_app(ALTDENTIFIER_BASE_URL="https://[::1]:8443/", ALTDENTIFIER_TIMEOUT=3)
    app.register_blueprint(blueprint)
    transport = state_of(app).transport
    assert isinstance(transport, HTTPTransport)
    assert (transport.origin, transport.timeout) == ("https://[::1]:8443", 3.0)


def test_redirect_uri_needs_a_valid_host(app: Flask) -> None:
    for host in ("[", "a b", "a_b:5000"):
        response = app.test_client().get("/login", headers={"Host": host})
        assert response.status_code == 400
        assert "ALTDENTIFIER_REDIRECT_URI" in response.text


def login_url(app: Flask, *arguments: Any, **environ: str) -> str:
    with app.test_request_context(environ_overrides=environ):
        return state_of(app).login_url(*arguments)


def test_login_url_asks_for_scopes_that_login_does_not(app: Flask) -> None:
    url = login_url(app, "/a?b=1&c", frozenset({"read:user", "write:integrations", "other"}))
    assert query_of(url) == {"next": "/a?b=1&c", "scope": "write:integrations"}
    both = login_url(make_app(ALTDENTIFIER_SCOPE="x"), None, DOCUMENTED_SCOPE_NAMES)
    assert query_of(both) == {"scope": "read:user write:integrations"}


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/" + "a" * (MAX_PATH - 1), True),
        ("/" + "a" * MAX_PATH, False),
        # Three times as long in a query:
        ("/?" + "&" * ((MAX_LOGIN_URL - len("/login?next=/?")) // 3), True),
        ("/?" + "&" * ((MAX_LOGIN_URL - len("/login?next=/?")) // 3) + "a", False),
    ],
)
def test_login_url_leaves_out_a_page_that_is_too_long(app: Flask, path: str, kept: bool) -> None:
    url = login_url(app, path)
    assert ("next=" in url) is kept
    assert len(url) <= MAX_LOGIN_URL


@pytest.mark.parametrize("prefix", ["//evil.example", "/\\evil.example", "//\\//evil.example"])
def test_login_url_stays_on_this_host(app: Flask, prefix: str) -> None:
    assert login_url(app, None, SCRIPT_NAME=prefix).startswith("/evil.example/")
