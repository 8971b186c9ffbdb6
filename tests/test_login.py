"""`/login`, and logins that a view of the app starts."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from flask_altdentifier import authorize_redirect, urls

from .support import (
    SCRIPT,
    FakeAltDentifier,
    WatchedStore,
    altdentifier,
    cookies_of,
    finish,
    log_in,
    make_app,
    query_of,
    reason,
    start,
    store_of,
)


def test_authorization_request_has_exactly_these_parameters(client: FlaskClient) -> None:
    response = client.get("/login?next=/me&client_id=evil&scope=evil&state=evil&guild_id=1")
    assert (response.status_code, response.data) == (302, b"")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.location.startswith("https://altdentifier.com/oauth2/authorize?")
    query = query_of(response.location)
    assert len(query.pop("state")) == 43
    assert query == {
        "client_id": "the-client",
        "response_type": "code",
        "redirect_uri": "http://localhost/callback",
        "scope": "read:user",
    }


def test_redirect_has_an_empty_body_but_not_an_empty_iterable(app: Flask) -> None:
    """Hypercorn's WSGI mode answers 500 to the latter."""
    with app.test_request_context("/login"):
        assert [*app.full_dispatch_request().response] == [b""]


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("write:integrations", "read:user write:integrations"),
        ("read:user  write:integrations evil", "read:user write:integrations"),
        ("write:integrations\t", "read:user"),
        ("", "read:user"),
    ],
)
def test_documented_scopes_can_be_added(client: FlaskClient, scope: str, asked: str) -> None:
    location = client.get("/login", query_string={"scope": scope}).location
    assert query_of(location)["scope"] == asked


def test_configured_scope_may_be_undocumented() -> None:
    client = make_app(ALTDENTIFIER_SCOPE="other").test_client()
    assert query_of(client.get("/login?scope=read:user").location)["scope"] == "other read:user"


def test_pkce_sends_the_challenge_and_then_its_verifier() -> None:
    app = make_app(ALTDENTIFIER_PKCE=True)
    client = app.test_client()
    query = query_of(client.get("/login").location)
    finish(client, query["state"])
    verifier = altdentifier(app).requests[0][3]["code_verifier"]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert query["code_challenge_method"] == "S256"
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]


LONGEST = f"/{'a' * (urls.MAX_PATH - 1)}"


@pytest.mark.parametrize(
    ("next_path", "destination"),
    [
        ("//evil.example", "/"),
        ("%FF", "/"),
        (LONGEST, LONGEST),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/a?b=1%26c=2", "/a?b=1&c=2"),
        ("/a&next=//evil.example", "/a"),
    ],
)
def test_next_must_be_a_local_path(client: FlaskClient, next_path: str, destination: str) -> None:
    assert log_in(client, f"/login?next={next_path}").location == destination


def test_after_login_is_below_the_mount_point() -> None:
    client = make_app(ALTDENTIFIER_AFTER_LOGIN="/home").test_client()
    assert log_in(client).location == "/home"
    assert log_in(client, base_url="http://localhost/shop/").location == "/shop/home"


def test_configured_redirect_uri_cannot_be_changed_by_headers() -> None:
    app = make_app(ALTDENTIFIER_REDIRECT_URI="https://app.example/callback")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    client = app.test_client()
    state = start(client, headers=headers)
    finish(client, state, headers=headers)
    assert altdentifier(app).requests[0][3]["redirect_uri"] == "https://app.example/callback"


@pytest.mark.parametrize(
    ("callback", "host"),
    [
        ("https://app.example/callback", "www.app.example"),
        ("https://www.app.example/callback", "app.example"),
        ("https://app.example:443/callback", "www.app.example"),
        ("http://www.localhost:5000/callback", "localhost:5000"),
    ],
)
def test_login_beside_www_moves_to_the_host_of_the_callback(callback: str, host: str) -> None:
    """The state cookie of one host would not come back to the other."""
    client = make_app(ALTDENTIFIER_REDIRECT_URI=callback).test_client()
    response = client.get("/login?next=/me", headers={"Host": host})
    origin = callback.removesuffix("/callback")
    assert (response.status_code, response.location) == (302, f"{origin}/login?next=/me&moved=1")
    assert client.get("/login?moved=1", headers={"Host": host}).location.startswith("https://alt")
    assert client.get("/login", headers={"Host": host}).location == f"{origin}/login?moved=1"


def test_prefetch_beside_www_is_refused() -> None:
    client = make_app(ALTDENTIFIER_REDIRECT_URI="https://app.example/callback").test_client()
    headers = {"Host": "www.app.example", "Sec-Purpose": "prefetch"}
    assert reason(client.get("/login", headers=headers)) == "prefetch_refused"


@pytest.mark.parametrize("host", ["app.example", "internal:8000", "www.evil.example"])
def test_login_on_another_host_does_not_move(host: str) -> None:
    """Behind a proxy the host that the app sees need not be the public one."""
    client = make_app(ALTDENTIFIER_REDIRECT_URI="https://app.example/callback").test_client()
    location = client.get("/login", headers={"Host": host}).location
    assert location.startswith("https://altdentifier.com/")


# Requests that start no login


PREFETCH = [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}]
PREFETCH += [{"Purpose": "prefetch"}, {"Sec-Purpose": "prefetch", "Sec-Fetch-Mode": "cors"}]
SCRIPTS = [{"Sec-Fetch-Mode": mode} for mode in ("cors", "no-cors", "same-origin")]


@pytest.mark.parametrize(
    ("headers", "status", "why"),
    [
        *((headers, 503, "prefetch_refused") for headers in PREFETCH),
        *((headers, 400, "not_a_navigation") for headers in SCRIPTS),
    ],
)
def test_no_login_starts(
    client: FlaskClient, headers: dict[str, str], status: int, why: str, caplog: Any
) -> None:
    caplog.set_level("INFO", "flask_altdentifier")
    response = client.get("/login", headers=headers)
    assert (response.status_code, reason(response), cookies_of(client)) == (status, why, {})
    assert store_of(client.application).calls == []
    assert why in caplog.text


def test_head_starts_no_login(client: FlaskClient, store: WatchedStore) -> None:
    response = client.head("/login")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")
    assert client.post("/login").status_code == 405
    assert (cookies_of(client), store.calls) == ({}, [])


def test_script_gets_the_url_to_navigate_to(client: FlaskClient) -> None:
    query = {"next": "/me?a=1", "scope": "write:integrations"}
    body = client.get("/login", query_string=query, headers=SCRIPT).json
    assert body is not None
    assert query_of(body["login_url"]) == query


# authorize_redirect


@pytest.fixture
def arguments(app: Flask) -> dict[str, Any]:
    """The arguments with which the view `/start` starts a login."""
    arguments: dict[str, Any] = {"scopes": ()}

    @app.get("/start")
    def start_view() -> Response:
        options = {name: value for name, value in arguments.items() if name != "scopes"}
        return authorize_redirect(*arguments["scopes"], **options)

    return arguments


def test_scopes_of_the_current_grant_are_asked_for_again(
    client: FlaskClient, arguments: dict[str, Any]
) -> None:
    assert query_of(client.get("/start").location)["scope"] == "read:user"
    log_in(client)
    arguments |= {"scopes": ("write:integrations",), "guild_id": "81384788765712384", "next": "/x"}
    query = query_of(client.get("/start").location)
    assert query["scope"] == "read:user write:integrations"
    assert query["guild_id"] == "81384788765712384"
    assert finish(client, query["state"]).location == "/x"


def test_login_asks_for_the_configured_scope_only(
    client: FlaskClient, arguments: dict[str, Any], provider: FakeAltDentifier
) -> None:
    arguments["scopes"] = ("write:integrations",)
    provider.token = {"scope": "write:integrations"}
    log_in(client, "/start")
    assert query_of(client.get("/login").location)["scope"] == "read:user"


@pytest.mark.parametrize(
    ("invalid", "problem"),
    [
        ({"scopes": ("a b",)}, "not a scope"),
        ({"guild_id": "1"}, "write:integrations"),
        ({"scopes": ("write:integrations",), "guild_id": "x"}, "Discord ID"),
    ],
)
def test_invalid_arguments_raise(
    client: FlaskClient, arguments: dict[str, Any], invalid: dict[str, Any], problem: str
) -> None:
    arguments |= invalid
    with pytest.raises(ValueError, match=problem):
        client.get("/start")
