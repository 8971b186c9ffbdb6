"""Attacks by requests: cookies, paths and parameters that a visitor or another site chooses."""

from __future__ import annotations

import time

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_altdentifier import protect

from ..support import (
    PAGE,
    FakeAltDentifier,
    WatchedStore,
    altdentifier,
    cookies_of,
    finish,
    log_in,
    login_cookie_of,
    make_app,
    query_of,
    reason,
    start,
    store_of,
    words,
)

HTTPS = "https://localhost"


def stranger(app: Flask, *cookies: str, https: bool = False) -> int:
    """Return the status of a protected view for a browser that sends these cookies."""
    client = app.test_client(use_cookies=False)
    headers = {"Cookie": "; ".join(cookies)}
    base_url = HTTPS if https else None
    return client.get("/me", headers=headers, base_url=base_url).status_code


def login_cookie(client: FlaskClient) -> tuple[str, str]:
    found = login_cookie_of(client)
    assert found is not None
    return found


# States and cookies


def test_state_and_state_cookie_are_no_login(app: Flask, client: FlaskClient) -> None:
    log_in(client)
    name, value = login_cookie(client)
    assert stranger(app, f"{name}={value}") == 200
    state = start(client)
    values = [v for k, v in cookies_of(client).items() if "_state_" in k]
    values += [part for value in values for part in value.split(".")]
    for value in (state, *values):
        assert stranger(app, f"{name}={value}") == 401


def test_state_of_another_client_is_rejected() -> None:
    store = WatchedStore()
    ours = make_app(ALTDENTIFIER_STORE=store)
    theirs = make_app(ALTDENTIFIER_STORE=store, ALTDENTIFIER_CLIENT_ID="other")
    browser, other = ours.test_client(), theirs.test_client()
    state = start(browser)
    for name, value in cookies_of(browser).items():
        other.set_cookie(name, value)
    assert reason(finish(other, state)) == "invalid_state"
    assert altdentifier(theirs).requests == []
    assert finish(browser, state).status_code == 303


@pytest.mark.parametrize("form", ["={name}={value}", "; ={name}={value}", "={name}; {value}"])
def test_nameless_cookie_is_no_host_cookie(app: Flask, client: FlaskClient, form: str) -> None:
    log_in(client, base_url=HTTPS)
    name, value = login_cookie(client)
    assert name.startswith("__Host-")
    assert stranger(app, f"{name}={value}", https=True) == 200
    assert stranger(app, form.format(name=name, value=value), https=True) == 401


@pytest.mark.parametrize(
    "planted",
    [
        "altdentifier",
        "__host-altdentifier",
        "\x1c__Host-altdentifier",
        "\x85__Host-altdentifier",
        "\xa0__Host-altdentifier",
    ],
)
def test_only_the_host_cookie_counts_on_https(
    app: Flask, client: FlaskClient, planted: str
) -> None:
    log_in(client, base_url=HTTPS)
    name, value = login_cookie(client)
    other = name.replace("__Host-altdentifier", planted)
    assert stranger(app, f"{other}={value}", https=True) == 401


# Parameters


def test_callback_chooses_neither_token_endpoint_nor_next_page(
    client: FlaskClient, provider: FakeAltDentifier
) -> None:
    state, url = start(client, "/login?next=/me"), "https://evil.example/"
    query = f"iss={url}&token_endpoint={url}&next={url}&RelayState={url}"
    assert client.get(f"/callback?code=a&state={state}&{query}").location == "/me"
    assert [request[:2] for request in provider.requests] == [("POST", "/oauth2/token")]


def test_login_keeps_no_other_parameter(app: Flask) -> None:
    with app.test_client() as client:
        state = start(client, "/login?next=/me&role=admin&_permanent=0&guild_id=1&state=x")
        assert dict(session) == {"altdentifier_states": [state]}
    [key] = store_of(app).keys("pending")
    assert "admin" not in str(store_of(app).get(key))


def test_cross_site_login_ends_no_login(client: FlaskClient) -> None:
    log_in(client)
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/login", headers=headers).status_code == 302
    assert client.get("/me").status_code == 200


# Paths and pages


@pytest.mark.parametrize("prefix", ["//evil", "/\t/evil", "/\\evil", "\\\\evil", "/ /evil", "///"])
def test_forwarded_prefix_leads_to_no_other_host(app: Flask, prefix: str) -> None:
    """A browser removes tabs, and then reads `//evil` as another host."""
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
    client, headers = app.test_client(), {"X-Forwarded-Prefix": prefix}
    state = start(client, headers=headers)
    paths = [
        client.get("/me", headers={**PAGE, **headers}).headers["Location"],
        client.get("/me", headers=headers).json["login_url"],  # type: ignore[index]
        finish(client, state, headers=headers).headers["Location"],
        client.post("/logout", headers=headers).headers["Location"],
    ]
    page = client.get("/callback", headers={**PAGE, **headers}).text
    paths += [part.partition('"')[0] for part in page.split('href="')[1:]]
    for path in paths:
        assert path.startswith("/")
        assert path[1:2] not in {"/", "\\"}
        assert path.isprintable()


@pytest.mark.parametrize(
    "target", ['/"><script>alert(1)</script>', "/' onmouseover='alert(1)", "/{{7*7}}", "/&quot;"]
)
def test_next_is_escaped(client: FlaskClient, provider: FakeAltDentifier, target: str) -> None:
    response = client.get("/login", query_string={"next": target})
    provider.status = 400
    page = finish(client, query_of(response.location)["state"], headers=PAGE).text
    assert "alert(1)</" not in page
    assert "/49" not in page
    [link] = [part.partition('"')[0] for part in page.split('href="') if "next=" in part]
    assert link.startswith(("/login?next=/%", "/login?next=/&#39;%2520"))


def test_no_spelling_of_a_path_reaches_a_protected_view(app: Flask) -> None:
    protect(app)
    app.add_url_rule("/closed", "closed", lambda: "closed")
    spellings = "/closed //closed /./closed /x/../closed /static/../closed /static/..%2fclosed"
    spellings += " /%63losed /closed/ /closed;x /closed%00 /CLOSED /closed?/static/x"
    for path in words(spellings):
        assert app.test_client().get(path).status_code in {308, 401, 404}


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_clocks_that_differ(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Of logins that were started by workers whose clocks are a day apart, the newest finishes."""
    app = make_app(ALTDENTIFIER_LOGIN_LIFETIME=7 * 86_400)
    client, now, now_ns = app.test_client(), time.time, time.time_ns
    for _ in range(4):
        start(client)
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + int(seconds * 10**9))
    states = [start(client) for _ in range(4)]
    assert len([name for name in cookies_of(client) if "_state_" in name]) == 5
    assert finish(client, states[-1]).status_code == 303
