"""`/callback`: each line of the contract's table."""

from __future__ import annotations

import logging
import time
import traceback
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from flask_altdentifier import current_grant, errors, logout, signals

from .support import (
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
    words,
)


def test_code_is_exchanged_and_the_browser_logged_in(
    client: FlaskClient, provider: FakeAltDentifier
) -> None:
    response = finish(client, start(client, "/login?next=/me%3Fa%3D1"))
    assert (response.status_code, response.location) == (303, "/me?a=1")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    [(method, target, _, form)] = provider.requests
    assert (method, target) == ("POST", "/oauth2/token")
    assert form == {
        "grant_type": "authorization_code",
        "code": "a-code",
        "redirect_uri": "http://localhost/callback",
        "client_id": "the-client",
        "client_secret": "the-secret",
    }
    assert client.get("/me").json == ["read:user"]


def test_basic_authentication_can_be_configured() -> None:
    app = make_app(ALTDENTIFIER_TOKEN_AUTH_METHOD="client_secret_basic")
    log_in(app.test_client())
    [(_, _, headers, form)] = altdentifier(app).requests
    assert headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in form


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_405_and_consume_nothing(client: FlaskClient, method: str) -> None:
    state = start(client)
    response = client.open(f"/callback?code=a&state={state}", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert finish(client, state).status_code == 303


def test_response_of_an_own_hook_keeps_the_code_private_too(
    app: Flask, client: FlaskClient
) -> None:
    app.before_request(lambda: ("maintenance", 503))
    response = client.get("/callback?code=a&state=b")
    assert (response.status_code, response.text) == (503, "maintenance")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Referrer-Policy" not in client.get("/login").headers


# The state

UNKNOWN = "s" * 43


@pytest.mark.parametrize(
    "query",
    [
        *("", f"code=a&state={UNKNOWN}", f"error=access_denied&state={UNKNOWN}"),
        "code=a&state={0}&state={0}",
    ],
)
def test_state_that_is_not_pending_is_rejected(
    client: FlaskClient, provider: FakeAltDentifier, query: str
) -> None:
    state = start(client)
    response = client.get(f"/callback?{query.format(state)}")
    assert (response.status_code, reason(response)) == (400, "invalid_state")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert provider.requests == []
    assert finish(client, state).status_code == 303


def test_state_of_another_browser_is_rejected(
    client: FlaskClient, other_browser: FlaskClient, provider: FakeAltDentifier
) -> None:
    state = start(client)
    start(other_browser)
    assert reason(finish(other_browser, state)) == "invalid_state"
    assert provider.requests == []
    assert finish(client, state).status_code == 303


def test_used_state_is_rejected(client: FlaskClient, provider: FakeAltDentifier) -> None:
    state = start(client)
    finish(client, state)
    client.post("/logout")
    assert reason(finish(client, state)) == "invalid_state"
    assert len(provider.requests) == 1


def test_bad_state_sends_a_logged_in_browser_on(client: FlaskClient) -> None:
    """As after the back button or a second click."""
    state = start(client, "/login?next=/me")
    finish(client, state)
    for query in (f"code=a&state={state}", f"code=a&state={UNKNOWN}", ""):
        response = client.get(f"/callback?{query}")
        assert (response.status_code, response.location) == (303, "/")
    assert client.get("/me").status_code == 200


def late(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str, seconds: int = 601
) -> str:
    """Start a login, and let its lifetime pass."""
    state, now = start(client, path), time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)
    return state


def test_login_can_be_finished_within_its_lifetime(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finish(client, late(client, monkeypatch, "/login", 599)).status_code == 303


def test_late_callback_still_leads_to_its_page(
    client: FlaskClient, provider: FakeAltDentifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/login?scope=write:integrations&next=/servers"
    response = finish(client, late(client, monkeypatch, path))
    assert (response.status_code, reason(response)) == (400, "invalid_state")
    assert query_of((response.json or {})["login_url"]) == query_of(path)
    assert provider.requests == []


def test_late_callback_of_a_logged_in_browser_leads_to_its_page(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(client)
    assert finish(client, late(client, monkeypatch, "/login?next=/servers")).location == "/servers"
    monkeypatch.undo()
    assert finish(client, late(client, monkeypatch, "/login")).location == "/"


def test_callback_that_is_delivered_twice_still_leads_to_its_page(
    app: Flask, client: FlaskClient
) -> None:
    """The first response, and with it the login cookie, was lost."""
    state = start(client, "/login?next=/me")
    repeated, stranger = app.test_client(), app.test_client()
    for name, value in cookies_of(client).items():
        repeated.set_cookie(name, value)
    finish(client, state)
    assert finish(repeated, state).json["login_url"] == "/login?next=/me"  # type: ignore[index]
    assert finish(stranger, state).json["login_url"] == "/login"  # type: ignore[index]


# The authorization response


REJECTED = "invalid_request unauthorized_client unsupported_response_type invalid_scope"


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("error=access_denied", 403, "access_denied"),
        ("error=server_error", 502, "provider_error"),
        ("error=temporarily_unavailable", 503, "provider_unavailable"),
        *((f"error={code}", 502, "authorization_request_rejected") for code in words(REJECTED)),
        *((query, 400, "invalid_callback") for query in ["", "error=access_denied&code=a"]),
    ],
)
def test_authorization_response_is_read_after_the_state(
    client: FlaskClient,
    provider: FakeAltDentifier,
    query: str,
    status: int,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The state is consumed whatever the rest is, and nothing is sent."""
    state = start(client)
    response = client.get(f"/callback?{query}&state={state}")
    assert (response.status_code, reason(response)) == (status, why)
    assert provider.requests == []
    assert reason(finish(client, state)) == "invalid_state"
    logged = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert bool(logged) == (why == "authorization_request_rejected")
    assert not logged or query.removeprefix("error=") in logged[0]


@pytest.mark.parametrize(
    "more", ["&error_description=%FF%00", "&x=1&x=2", "&iss=caf%E9", "&=&&x", "&state_=a"]
)
def test_other_parameters_are_ignored(client: FlaskClient, more: str) -> None:
    assert client.get(f"/callback?code=a&state={start(client)}{more}").status_code == 303


# The token endpoint

GRANT_ERROR, CLIENT_ERROR = b'{"error": "invalid_grant"}', b'{"error": "invalid_client"}'


@pytest.mark.parametrize(
    ("status", "body", "answer", "why"),
    [
        (400, b'{"error": "Cannot grant token"}', 400, "code_rejected"),
        (401, b"", 502, "client_credentials_rejected"),
        (400, CLIENT_ERROR, 502, "client_credentials_rejected"),
        (400, b'{"error": "unauthorized_client"}', 502, "client_credentials_rejected"),
        (401, GRANT_ERROR, 400, "code_rejected"),
        (403, GRANT_ERROR, 400, "code_rejected"),
        (429, b"", 503, "provider_unavailable"),
        (429, GRANT_ERROR, 503, "provider_unavailable"),
        (503, b"", 503, "provider_unavailable"),
        (201, None, 502, "provider_error"),
        *((status, b"", 502, "provider_error") for status in (200, 204, 302, 403, 404, 500)),
        *((200, body, 502, "provider_error") for body in (b"<html>", b"{}", b"[" * 60_000)),
    ],
)
def test_token_endpoint_refuses(
    client: FlaskClient,
    provider: FakeAltDentifier,
    status: int,
    body: bytes | None,
    answer: int,
    why: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The code is sent once, nobody is logged in, and a new login works."""
    provider.status, provider.body = status, body
    state = start(client)
    response = finish(client, state)
    assert (response.status_code, reason(response)) == (answer, why)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    logged = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert bool(logged) == (why == "client_credentials_rejected")
    for fact in ("ALTDENTIFIER_CLIENT_ID", "ALTDENTIFIER_CLIENT_SECRET", f"status {status}"):
        assert not logged or fact in logged[0]
    provider.status, provider.body = 200, None
    assert reason(finish(client, state)) == "invalid_state"
    assert len(provider.requests) == 1
    assert client.get("/who").text == "nobody"
    log_in(client)


@pytest.mark.parametrize("error", [errors.ProviderTimeout(), errors.ProviderError()])
def test_transport_fails(
    client: FlaskClient, provider: FakeAltDentifier, error: errors.AltDentifierError
) -> None:
    provider.error = error
    response = finish(client, start(client))
    assert (response.status_code, reason(response)) == (error.code, error.reason)
    assert client.get("/who").text == "nobody"


@pytest.mark.parametrize("sent", ["30", "Fri, 01 Jan 2100 00:00:00 GMT", "soon"])
def test_retry_after_is_passed_on(
    client: FlaskClient, provider: FakeAltDentifier, sent: str
) -> None:
    provider.status, provider.headers = 429, {"Retry-After": sent}
    passed = finish(client, start(client)).headers.get("Retry-After")
    assert passed == (None if sent == "soon" else sent)


# A valid token


@pytest.mark.parametrize(
    ("sent", "granted"),
    [(None, ["read:user"]), ("", []), ("write:integrations read:user", ["read:user"])],
)
def test_scope_is_what_was_granted_of_what_was_requested(
    app: Flask, client: FlaskClient, provider: FakeAltDentifier, sent: str | None, granted: Any
) -> None:
    app.add_url_rule("/scope", "scope", lambda: sorted(current_grant.scope))
    provider.token = {"scope": sent}
    log_in(client)
    assert client.get("/scope").json == granted


def test_new_login_ends_the_older_one(client: FlaskClient, store: WatchedStore) -> None:
    log_in(client)
    [old] = store.keys("grant")
    log_in(client)
    assert client.get("/who").text == "known"
    assert len(store.keys("grant")) == 1
    assert store.keys("grant") != [old]


@pytest.mark.parametrize(("lifetime", "seconds"), [(None, 604800), (60, 60), (10**7, 604800)])
def test_grant_lifetime_limits_a_login(lifetime: int | None, seconds: int) -> None:
    store = WatchedStore()
    client = make_app(ALTDENTIFIER_GRANT_LIFETIME=lifetime, ALTDENTIFIER_STORE=store).test_client()
    assert f"Max-Age={seconds};" in str(log_in(client).headers)
    assert seconds - 1 < store.ttl(store.keys("grant")[0]) <= seconds


def test_session_that_is_written_at_login_only_gets_a_new_id(
    app: Flask, client: FlaskClient, other_browser: FlaskClient
) -> None:
    """A planted session is useless, though only a receiver of `logged_in` writes to it."""

    def remember(sender: Flask, grant: Any) -> None:
        session["cart"] = "secret"

    attackers = start(other_browser)
    planted = cookies_of(other_browser)["session"]
    client.set_cookie("session", planted)
    state = start(client)
    other_browser.get("/callback", query_string={"state": attackers, "error": "x"})
    with signals.logged_in.connected_to(remember, app):
        finish(client, state)
    assert cookies_of(client)["session"] != planted
    assert (client.get("/cart").text, other_browser.get("/cart").text) == ("secret", "empty")


# The store


@pytest.mark.parametrize(
    ("failing", "sent"),
    [("pop pending", 0), ("set return", 0), ("set grant", 1), ("delete grant", 1)],
)
def test_store_failure_leaves_nothing_half_done(
    client: FlaskClient, store: WatchedStore, provider: FakeAltDentifier, failing: str, sent: int
) -> None:
    log_in(client)
    provider.requests.clear()
    state = start(client)
    store.failing = {failing}
    response = finish(client, state)
    assert (response.status_code, reason(response)) == (503, "store_unavailable")
    assert len(provider.requests) == sent
    assert failing != "pop pending" or (response.json or {})["login_url"] == "/login"
    store.failing.clear()
    assert client.get("/who").text == "known"  # the older login
    log_in(client)


# Signals, and the page


def test_signals_of_logins(app: Flask, client: FlaskClient) -> None:
    sent: list[Any] = []

    def on_login(sender: Flask, grant: Any) -> str:
        sent.append((sender, grant.scope, current_grant.covers("read:user")))
        return "ignored"

    def on_failure(sender: Flask, error: errors.AltDentifierError) -> None:
        sent.append((sender, error.reason))

    with (
        signals.logged_in.connected_to(on_login, app),
        signals.login_failed.connected_to(on_failure, app),
    ):
        client.get("/callback?state=x")
        client.get(f"/callback?error=access_denied&state={start(client)}")
        log_in(client)
    assert sent == [(app, "invalid_state"), (app, "access_denied"), (app, {"read:user"}, True)]


@pytest.mark.parametrize(("raises", "status"), [(True, 403), (False, 303)])
def test_receiver_that_raises_or_logs_out_ends_the_login(
    app: Flask, client: FlaskClient, store: WatchedStore, raises: bool, status: int
) -> None:
    def leave(sender: Flask, grant: Any) -> None:
        logout()
        if raises:
            raise errors.AccessDenied

    with signals.logged_in.connected_to(leave, app):
        assert finish(client, start(client)).status_code == status
    assert (login_cookie_of(client), store.keys("grant")) == (None, [])


@pytest.mark.parametrize("error", words("access_denied server_error other invalid_scope"))
def test_page_offers_a_new_login_unless_only_operators_can_help(
    client: FlaskClient, error: str
) -> None:
    state = start(client, "/login?next=/me")
    page = client.get(f"/callback?error={error}&state={state}", headers=PAGE).text
    assert ('href="/login?next=/me"' in page) is (error != "invalid_scope")
    assert ("/login" in page) is (error != "invalid_scope")


def test_next_step_asks_for_the_same_scopes(client: FlaskClient) -> None:
    state = start(client, "/login?next=/servers&scope=write:integrations")
    body = client.get(f"/callback?error=access_denied&state={state}").json
    assert body is not None
    assert query_of(body["login_url"]) == {"next": "/servers", "scope": "write:integrations"}


def test_failed_callback_is_logged_with_its_facts(
    client: FlaskClient, provider: FakeAltDentifier, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    provider.status, provider.body = 400, GRANT_ERROR
    finish(client, start(client))
    [record] = [r for r in caplog.records if r.name == "flask_altdentifier"]
    assert record.levelname == "INFO"
    assert "code_rejected (status 400, error invalid_grant)" in record.getMessage()


def test_traceback_of_a_failing_receiver_has_no_secret(app: Flask, client: FlaskClient) -> None:
    """Error trackers record the local variables of all frames and of all chained exceptions."""
    altdentifier(app).status = 400

    def fail(_: Flask, **__: Any) -> None:
        raise KeyError

    with signals.login_failed.connected_to(fail, app), pytest.raises(KeyError) as caught:
        finish(client, start(client))
    exceptions: list[BaseException] = []
    error: BaseException | None = caught.value
    while error is not None:
        exceptions.append(error)
        error = error.__context__ or error.__cause__
    frames = [frame for each in exceptions for frame, _ in traceback.walk_tb(each.__traceback__)]
    ours = [frame for frame in frames if "flask_altdentifier" in frame.f_code.co_filename]
    assert ours
    shown = "".join(repr(frame.f_locals) for frame in ours)
    assert "a-code" not in shown
    assert "the-secret" not in shown
