"""Our cookies: attributes, names, several of one name."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_altdentifier.browser.cookies import (
    MAX_SAME_NAME,
    BrowserCookies,
    StateCookie,
)

from ..support import (
    NAME,
    WatchedStore,
    cookies_of,
    finish,
    log_in,
    login_cookie_of,
    make_app,
    start,
    state_of,
)


def test_state_is_the_hash_of_its_cookie() -> None:
    cookie = StateCookie.create("secret")
    assert StateCookie.parse("secret", cookie.value) == cookie
    assert len(cookie.state) == 43
    assert cookie.state not in cookie.value
    assert cookie.value not in repr(cookie)


@pytest.mark.parametrize("change", [slice(1, None), slice(0, -1), slice(0, 0)])
def test_altered_state_cookie_is_refused(change: slice) -> None:
    value = StateCookie.create("secret").value
    assert StateCookie.parse("secret", value[change]) is None


@pytest.mark.parametrize(
    "value", ["", "x", f"{9 * 10**18}.{'x' * 43}", f"{9 * 10**18}.{'x' * 43}.{'x' * 43}", "é" * 107]
)
def test_made_up_state_cookie_is_refused(value: str) -> None:
    assert StateCookie.parse("secret", value) is None
    assert StateCookie.parse("secret", StateCookie.create("other").value) is None


def cookies_for(app: Flask, header: str, **environ: Any) -> BrowserCookies:
    with app.test_request_context(headers={"Cookie": header}, **environ) as context:
        return BrowserCookies(state_of(app), context.request)


def test_at_most_four_login_cookies_are_tried(app: Flask) -> None:
    values = ["not-one", *(character * 43 for character in "abcdef")]
    cookies = cookies_for(app, "; ".join(f"{NAME}={value}" for value in values))
    assert cookies.get_login_ids() == values[1 : MAX_SAME_NAME + 1]


@pytest.mark.parametrize("value", ["", "x" * 42, "x" * 44, "x" * 42 + "=", "../" * 14, "é" * 43])
def test_malformed_login_cookie_is_not_looked_up(app: Flask, value: str) -> None:
    assert cookies_for(app, f"{NAME}={value}").get_login_ids() == []


@pytest.mark.parametrize("planted", ["a", "b", "c"])
def test_state_cookie_is_found_among_others_of_its_name(app: Flask, planted: str) -> None:
    cookie = StateCookie.create("the-secret")
    name = f"{NAME}_state_{cookie.state[:16]}"
    other = StateCookie.create("the-secret")
    values = {"a": ["x", cookie.value], "b": [cookie.value, "x"], "c": [other.value, cookie.value]}
    cookies = cookies_for(app, "; ".join(f"{name}={value}" for value in values[planted]))
    assert cookies.get_state_cookies() == ([cookie, other] if planted == "c" else [cookie])


def attributes(response: TestResponse, name: str) -> str:
    [cookie] = [c for c in response.headers.getlist("Set-Cookie") if c.startswith(f"{name}")]
    return cookie


@pytest.mark.parametrize(
    ("scheme", "name", "secure"),
    [("http", NAME, False), ("https", f"__Host-{NAME}", True)],
)
def test_cookies_are_http_only_same_site_and_secure_on_https(
    client: FlaskClient, scheme: str, name: str, secure: bool
) -> None:
    url = f"{scheme}://localhost"
    response = client.get("/login", base_url=url)
    state = response.location.rpartition("state=")[2]
    started = attributes(response, f"{name}_state_")
    finished = attributes(finish(client, state, base_url=url), f"{name}=")
    for cookie in (started, finished):
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert ("Secure" in cookie) is secure
        assert "Domain" not in cookie
    assert hashlib.sha256(b"the-client").hexdigest()[:8] in name


def test_secure_follows_the_session_cookie() -> None:
    client = make_app(SESSION_COOKIE_SECURE=True).test_client()
    assert "Secure" in attributes(client.get("/login"), f"__Host-{NAME}_state_")


@pytest.mark.parametrize(
    ("config", "attribute"),
    [
        ({"SESSION_COOKIE_PATH": "/shop"}, "Path=/shop"),
        ({"SESSION_COOKIE_DOMAIN": "example.test"}, "Domain=example.test"),
    ],
)
def test_path_and_domain_follow_the_session_cookie(config: dict[str, str], attribute: str) -> None:
    """A `__Host-` cookie can have neither."""
    client = make_app(SESSION_COOKIE_SECURE=True, **config).test_client()
    cookie = attributes(client.get("/login"), NAME)
    assert {"Secure", attribute} <= set(cookie.split("; "))


@pytest.mark.parametrize("planted_first", [True, False])
def test_first_usable_login_of_one_name_counts(
    app: Flask, client: FlaskClient, planted_first: bool
) -> None:
    log_in(client)
    pair = "{}={}".format(*(login_cookie_of(client) or ()))
    both = [f"{NAME}={'x' * 43}", pair] if planted_first else [pair, f"{NAME}={'x' * 43}"]
    bare = app.test_client(use_cookies=False)
    headers = {"Cookie": "; ".join(both)}
    assert bare.get("/me", headers=headers).status_code == 200
    assert bare.post("/logout", headers=headers).status_code == 303
    assert client.get("/me").status_code == 401


def test_logout_deletes_the_cookie_of_an_earlier_domain() -> None:
    app = make_app(SESSION_COOKIE_DOMAIN="example.test")
    client = app.test_client(use_cookies=False)
    for count in (1, 2):
        headers = {"Cookie": "; ".join([f"{NAME}={'x' * 43}"] * count)}
        response = client.post("/logout", headers=headers, base_url="http://example.test")
        deleted = [c for c in response.headers.getlist("Set-Cookie") if c.startswith(f"{NAME}=;")]
        assert len(deleted) == count
        assert ["Domain=example.test" in c for c in deleted] == [True, False][:count]


def test_cookie_value_is_no_key_in_the_store(client: FlaskClient, store: WatchedStore) -> None:
    log_in(client)
    start(client)
    [*values] = cookies_of(client).values()
    for key, record in store._records.items():
        assert not any(value in key or value in record.value for value in values)
