"""`/login` and `/callback`, as a browser meets them."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask, Response, session
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from flask_altdentifier import authorize_redirect, blueprint, current_grant, errors, logout, signals
from flask_altdentifier.errors import ConfigError

from .support import (
    PAGE,
    FakeAltDentifier,
    altdentifier,
    bare_app,
    begin,
    cookies_of,
    extension,
    finish,
    log_in,
    make_app,
    query_of,
    reason,
)


def test_login_leads_to_altdentifier(client: FlaskClient) -> None:
    """The browser is sent to the authorize page with exactly the documented parameters."""
    response = client.get("/login?next=/me&client_id=evil&scope=evil&state=evil")
    assert response.status_code == 302
    assert response.headers["Cache-Control"] == "no-store"
    assert response.location is not None
    assert response.location.startswith("https://altdentifier.com/oauth2/authorize?")
    query = query_of(response.location)
    assert len(query.pop("state")) == 43
    assert query == {
        "client_id": "the-client",
        "response_type": "code",
        "redirect_uri": "http://localhost/callback",
        "scope": "read:user",
    }


def test_no_page_shows_the_state(client: FlaskClient) -> None:
    """The redirect has no body, which would show the URL."""
    assert client.get("/login").data == b""


def test_state_is_in_the_server_side_session(app: Flask) -> None:
    """The state is set in the session that the server keeps."""
    with app.test_client() as client:
        state = begin(client)
        assert list(session["altdentifier_states"]) == [state]
    assert "altdentifier_states" not in str(cookies_of(client))


def test_session_alone_finishes_a_login(client: FlaskClient) -> None:
    """A state that the session lists is good where its cookie was lost."""
    state = begin(client)
    for name in [name for name in cookies_of(client) if "_state_" in name]:
        client.delete_cookie(name)
    assert finish(client, state).status_code == 303


def test_cookie_alone_finishes_a_login(client: FlaskClient) -> None:
    """A state for which its cookie vouches is good where the session was overwritten."""
    state = begin(client)
    client.delete_cookie("session")
    assert finish(client, state).status_code == 303


def test_callback_exchanges_the_code_and_logs_in(
    client: FlaskClient, provider: FakeAltDentifier
) -> None:
    """The code is sent with the credentials, once, and the browser goes where it wanted."""
    state = begin(client, "/login?next=/me%3Fa%3D1")
    response = finish(client, state)
    assert (response.status_code, response.location) == (303, "/me?a=1")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.data == b""
    [(method, target, headers, form)] = provider.requests
    assert (method, target) == ("POST", "/oauth2/token")
    assert "Authorization" not in headers
    assert form == {
        "grant_type": "authorization_code",
        "code": "a-code",
        "redirect_uri": "http://localhost/callback",
        "client_id": "the-client",
        "client_secret": "the-secret",
    }
    assert client.get("/me").json == ["read:user"]


@pytest.mark.parametrize(
    ("query", "destination"),
    [
        ("", "/"),
        ("?next=", "/"),
        ("?next=/caf%C3%A9", "/caf%C3%A9"),
        ("?next=//evil.example", "/"),
        ("?next=https://evil.example/", "/"),
        ("?next=/%5Cevil.example", "/"),
        ("?next=/%09/evil.example", "/"),
        ("?next=%2F%0d%0aSet-Cookie:x", "/"),
        ("?next=/a&next=//evil.example", "/a"),
        ("?next=javascript:alert(1)", "/"),
        ("?next=%FF", "/"),
    ],
)
def test_next_is_local(client: FlaskClient, query: str, destination: str) -> None:
    """A next that is no local path is ignored."""
    assert log_in(client, f"/login{query}").location == destination


def test_after_login_is_where_a_login_without_next_ends() -> None:
    """`ALTDENTIFIER_AFTER_LOGIN` is a path in the app, wherever the app is mounted."""
    client = make_app(ALTDENTIFIER_AFTER_LOGIN="/home").test_client()
    assert log_in(client).location == "/home"
    assert log_in(client, base_url="http://localhost/shop/").location == "/shop/home"


@pytest.mark.parametrize("host", ["[", "a b", "a_b:5000"])
def test_host_that_is_none_is_no_redirect_uri(client: FlaskClient, host: str) -> None:
    """A host name that Werkzeug refuses makes no redirect URI, and no 500."""
    response = client.get("/login", headers={"Host": host})
    assert response.status_code == 400
    assert "ALTDENTIFIER_REDIRECT_URI" in response.text


def test_redirect_uri_can_be_set() -> None:
    """No request header changes a redirect URI that is set."""
    app = make_app(ALTDENTIFIER_REDIRECT_URI="https://app.example/callback")
    client = app.test_client()
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    query = query_of(client.get("/login", headers=headers).location)
    assert query["redirect_uri"] == "https://app.example/callback"
    assert finish(client, query["state"], headers=headers).status_code == 303
    assert altdentifier(app).requests[0][3]["redirect_uri"] == "https://app.example/callback"


def test_token_request_repeats_the_redirect_uri_of_the_login(
    client: FlaskClient, provider: FakeAltDentifier
) -> None:
    """The redirect URI is the one of `/login`, though the callback came by another host name."""
    state = begin(client)
    client.set_cookie("session", cookies_of(client)["session"], domain="localhost")
    finish(client, state, headers={"Host": "localhost:80"})
    assert provider.requests[0][3]["redirect_uri"] == "http://localhost/callback"


def test_basic_authentication() -> None:
    """`client_secret_basic` form-encodes both parts (RFC 6749 section 2.3.1)."""
    app = make_app(
        ALTDENTIFIER_TOKEN_AUTH_METHOD="client_secret_basic",
        ALTDENTIFIER_CLIENT_ID="a:b c",
        ALTDENTIFIER_CLIENT_SECRET="%+/~",
    )
    log_in(app.test_client())
    [(_, _, headers, form)] = altdentifier(app).requests
    pair = base64.b64decode(headers["Authorization"].removeprefix("Basic "))
    assert pair == b"a%3Ab+c:%25%2B%2F~"
    assert form.keys() == {"grant_type", "code", "redirect_uri"}


def test_secret_does_not_stay_in_authlib() -> None:
    """Authlib hands out one dict of headers; the secret is put into a copy."""
    from authlib.oauth2 import client as authlib_client

    log_in(make_app(ALTDENTIFIER_TOKEN_AUTH_METHOD="client_secret_basic").test_client())
    assert "Authorization" not in authlib_client.DEFAULT_HEADERS


def test_pkce() -> None:
    """With PKCE the challenge goes to the authorize page and its verifier with the code."""
    app = make_app(ALTDENTIFIER_PKCE=True)
    client = app.test_client()
    query = query_of(client.get("/login").location)
    assert query["code_challenge_method"] == "S256"
    finish(client, query["state"])
    verifier = altdentifier(app).requests[0][3]["code_verifier"]
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_prefetch_starts_no_login(
    client: FlaskClient, purpose: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A browser that fetches ahead gets 503 and no cookie."""
    caplog.set_level(logging.INFO, "flask_altdentifier")
    response = client.get("/login", headers={"Sec-Purpose": purpose})
    assert (response.status_code, reason(response)) == (503, "prefetch_refused")
    assert caplog.messages == ["Refused: prefetch_refused."]
    assert cookies_of(client) == {}


@pytest.mark.parametrize("path", ["/login", "/callback"])
def test_head_is_refused(client: FlaskClient, path: str) -> None:
    """HEAD neither starts nor finishes a login."""
    state = begin(client)
    before = cookies_of(client)
    response = client.head(path, query_string={"code": "a-code", "state": state})
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET"
    assert cookies_of(client) == before
    assert finish(client, state).status_code == 303


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_of_the_callback_are_refused(client: FlaskClient, method: str) -> None:
    """POST is 405, with the headers of every answer of the callback, and so is the rest."""
    response = client.open("/callback", method=method)
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"


# The state


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=a",
        "code=a&state=",
        "code=a&state=x",
        f"code=a&state={'s' * 43}",
        "error=access_denied",
        f"error=access_denied&state={'s' * 43}",
    ],
)
def test_state_that_is_not_pending_is_refused(
    client: FlaskClient, provider: FakeAltDentifier, query: str
) -> None:
    """A state that is missing, malformed or unknown is 400; pending logins stay."""
    state = begin(client)
    response = client.get(f"/callback?{query}")
    assert (response.status_code, reason(response)) == (400, "invalid_state")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert provider.requests == []
    assert finish(client, state).status_code == 303


def test_repeated_state_is_refused_and_stays(client: FlaskClient) -> None:
    """A state that comes twice in one query is not consumed."""
    state = begin(client)
    response = client.get(f"/callback?code=a&state={state}&state={state}")
    assert reason(response) == "invalid_state"
    assert finish(client, state).status_code == 303


def test_used_state_is_refused(client: FlaskClient, provider: FakeAltDentifier) -> None:
    """A state works once; the second time the browser that is logged in is sent on."""
    state = begin(client)
    finish(client, state)
    again = finish(client, state)
    assert (again.status_code, again.location) == (303, "/")
    client.post("/logout")
    assert reason(finish(client, state)) == "invalid_state"
    assert len(provider.requests) == 1


def test_state_of_another_browser_is_refused(
    client: FlaskClient, other_browser: FlaskClient, provider: FakeAltDentifier
) -> None:
    """Nobody finishes another's login; it stays pending."""
    state = begin(client)
    begin(other_browser)
    assert reason(finish(other_browser, state)) == "invalid_state"
    assert provider.requests == []
    assert finish(client, state).status_code == 303


def test_guessed_cookie_does_not_vouch(client: FlaskClient, other_browser: FlaskClient) -> None:
    """Only the cookie whose hash is the state vouches for it."""
    state = begin(client)
    [name] = [name for name in cookies_of(client) if "_state_" in name]
    other_browser.set_cookie(name, state)
    other_browser.set_cookie(name + "x", f"{time.time_ns()}.{'x' * 43}")
    assert reason(finish(other_browser, state)) == "invalid_state"


def test_oldest_cookie_goes_first(app: Flask) -> None:
    """Where the session is lost, the cookies' own times tell which login is the oldest."""
    client = app.test_client()
    states = []
    for _ in range(5):
        states.append(begin(client))
        client.delete_cookie("session")
    jar = [f"{name}={value}" for name, value in cookies_of(client).items()]
    for order in (jar, jar[::-1], jar[2:] + jar[:2]):
        bare = app.test_client(use_cookies=False)
        answer = bare.get("/login", headers={"Cookie": "; ".join(order)})
        [gone] = [it for it in answer.headers.getlist("Set-Cookie") if "Max-Age=0" in it]
        assert f"_state_{states[0][:16]}=" in gone


def test_cookies_under_other_names_crowd_nothing_out(client: FlaskClient) -> None:
    """What was planted under a name that is none of ours does not count among five tabs."""
    name = f"altdentifier_4da8dcc3_state_{'x' * 15}"
    for number in range(5):
        client.set_cookie(f"{name}{number}", f"{9 * 10**18 + number}.{'x' * 43}")
    states = [begin(client) for _ in range(5)]
    assert [finish(client, state).status_code for state in states] == [303] * 5


def test_expired_login_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that took longer than its lifetime is refused, though the store still has it."""
    app = make_app(ALTDENTIFIER_LOGIN_LIFETIME=60)
    client = app.test_client()
    state = begin(client)
    now = time.time()
    monkeypatch.setattr("flask_altdentifier.pending.time.time", lambda: now + 61)
    assert reason(finish(client, state)) == "invalid_state"
    assert altdentifier(app).requests == []


def test_state_whose_record_is_gone_is_refused(app: Flask, client: FlaskClient) -> None:
    """The session may still list a state that the store has let go."""
    state = begin(client)
    extension(app).store.drop("login", state)
    assert reason(finish(client, state)) == "invalid_state"


def test_token_lives_from_when_it_was_asked_for(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow answer does not make a token live longer than AltDentifier has it."""
    now = 2e9
    monkeypatch.setattr(time, "time", lambda: now)

    class Slow(FakeAltDentifier):
        """Takes nine seconds."""

        def request(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal now
            now += 9
            return super().request(*args, **kwargs)

    extension(app).transport = Slow(token={"expires_in": 60})
    app.add_url_rule("/end", "end", lambda: str(current_grant.expires_at.timestamp()))
    log_in(client)
    assert client.get("/end").text == str(2e9 + 60)


def test_bad_state_leaves_a_login_alone(client: FlaskClient) -> None:
    """Whoever is logged in stays so, whatever callback comes."""
    log_in(client)
    response = client.get("/callback?code=a&state=x")
    assert (response.status_code, response.location) == (303, "/")
    assert client.get("/me").status_code == 200


# The answer


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("error=access_denied", 403, "access_denied"),
        ("error=server_error", 400, "invalid_callback"),
        ("error=", 400, "invalid_callback"),
        ("error=access_denied&code=a", 400, "invalid_callback"),
        ("", 400, "invalid_callback"),
        ("code=", 400, "invalid_callback"),
        ("code=a&code=a", 400, "invalid_callback"),
        ("code=%0a", 400, "invalid_callback"),
    ],
)
def test_answer_is_read_after_the_state(
    client: FlaskClient, provider: FakeAltDentifier, query: str, status: int, why: str
) -> None:
    """A good state is consumed whatever the answer is, and nothing is sent."""
    state = begin(client, "/login?next=/me")
    response = client.get(f"/callback?{query}&state={state}")
    assert (response.status_code, reason(response)) == (status, why)
    assert response.json["login_url"] == "/login?next=/me"  # type: ignore[index]
    assert provider.requests == []
    assert reason(finish(client, state)) == "invalid_state"


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (400, 400, "code_rejected"),
        (401, 502, "client_credentials_rejected"),
        (429, 503, "provider_unavailable"),
        (503, 503, "provider_unavailable"),
        (201, 502, "provider_error"),
        (204, 502, "provider_error"),
        (302, 502, "provider_error"),
        (403, 502, "provider_error"),
        (404, 502, "provider_error"),
        (500, 502, "provider_error"),
    ],
)
def test_token_endpoint_refuses(
    client: FlaskClient, provider: FakeAltDentifier, status: int, answer: int, why: str
) -> None:
    """Each status has its answer; the code is sent once, and nobody is logged in."""
    provider.status = status
    state = begin(client)
    response = finish(client, state)
    assert (response.status_code, reason(response)) == (answer, why)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    provider.status = 200
    assert reason(finish(client, state)) == "invalid_state"
    assert len(provider.requests) == 1
    assert client.get("/me").status_code == 401
    log_in(client)


@pytest.mark.parametrize("error", [errors.ProviderTimeout(), errors.ProviderError()])
def test_transport_fails(
    client: FlaskClient, provider: FakeAltDentifier, error: errors.AltDentifierError
) -> None:
    """A deadline that passed and an answer that never came have their answers."""
    provider.error = error
    assert reason(finish(client, begin(client))) == error.reason
    assert client.get("/me").status_code == 401


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        ("30", "30"),
        ("007", "007"),
        ("Fri, 01 Jan 2100 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"),
        ("9" * 50, "9" * 10),
        ("soon", None),
        ("-1", None),
        ("٣", None),
        ("30, 40", None),
        ("Fri, 99 Jan 99999999999 00:00:00 GMT", None),
        ("31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_retry_after(
    client: FlaskClient, provider: FakeAltDentifier, sent: str, passed: str | None
) -> None:
    """`Retry-After` is passed on where it is a number or an HTTP date."""
    provider.status, provider.headers = 429, {"Retry-After": sent}
    assert finish(client, begin(client)).headers.get("Retry-After") == passed


def test_wrong_credentials_are_an_error_in_the_log(
    client: FlaskClient, provider: FakeAltDentifier, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the two keys, and no secret."""
    provider.status = 401
    finish(client, begin(client))
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "ALTDENTIFIER_CLIENT_ID" in record.getMessage()
    assert "ALTDENTIFIER_CLIENT_SECRET" in record.getMessage()
    assert "the-secret" not in caplog.text


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"{}", b'"x"', b"[" * 65_000])
def test_token_response_is_garbage(
    client: FlaskClient, provider: FakeAltDentifier, body: bytes
) -> None:
    """A 200 without a token is 502, never a login."""
    provider.body = body
    assert reason(finish(client, begin(client))) == "provider_error"
    assert client.get("/me").status_code == 401


seconds = st.floats(min_value=60) | st.floats(max_value=0) | st.just(float("nan"))
json_values = st.none() | st.booleans() | seconds | st.text() | st.lists(st.text())


@given(
    token=st.dictionaries(
        st.sampled_from(["access_token", "token_type", "expires_in", "scope", "refresh_token"]),
        json_values | st.sampled_from(["Bearer", "x", "1", "read:user write:integrations"]),
    ),
    query=st.binary(max_size=60),
)
def test_any_answer_is_an_error_or_a_login(token: dict[str, Any], query: bytes) -> None:
    """Whatever the browser and the provider bring, it is a documented answer or a login."""
    app = make_app()
    client, provider = app.test_client(), altdentifier(app)
    provider.token = token
    state = begin(client)
    raw = query.decode("latin-1")
    odd = client.get("/callback", query_string=raw)
    assert reason(odd) == "invalid_state"
    response = finish(client, state)
    assert response.status_code in {303, 502}
    assert client.get("/me").status_code in ({200, 403} if response.status_code == 303 else {401})


@given(st.text(max_size=40))
def test_any_next_ends_on_this_host(text: str) -> None:
    """Whatever next comes, the browser stays here."""
    client = make_app().test_client()
    location = log_in_with_next(client, text)
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


def log_in_with_next(client: FlaskClient, text: str) -> str:
    """Log in with any next and return where the browser ends."""
    response = client.get("/login", query_string={"next": text.encode("utf-8", "replace")})
    location = finish(client, query_of(response.location)["state"]).location
    assert location is not None
    return location


# What is granted


@pytest.mark.parametrize(
    ("sent", "granted"),
    [
        ("read:user", {"read:user"}),
        (None, {"read:user"}),
        ("", set()),
        ("write:integrations", set()),
        ("write:integrations read:user", {"read:user"}),
    ],
)
def test_scope_is_what_was_granted_of_what_was_asked(
    app: Flask, client: FlaskClient, provider: FakeAltDentifier, sent: str | None, granted: set[str]
) -> None:
    """An absent scope means as requested; what nobody asked for is dropped."""
    app.add_url_rule("/scope", "scope", lambda: sorted(current_grant.scope))
    provider.token = {"scope": sent}
    log_in(client)
    assert client.get("/scope").json == sorted(granted)


def test_new_login_drops_the_older_grant(client: FlaskClient, other_browser: FlaskClient) -> None:
    """An old jar gets nothing once this browser has logged in again."""
    log_in(client)
    [(name, value)] = [(n, v) for n, v in cookies_of(client).items() if n.startswith("alt")]
    log_in(client)
    other_browser.set_cookie(name, value)
    assert other_browser.get("/me").status_code == 401
    assert client.get("/me").status_code == 200


def test_login_changes_the_session_id_and_keeps_its_data(app: Flask, client: FlaskClient) -> None:
    """A session id that was planted is worth nothing, and the cart is still full."""
    app.add_url_rule("/fill", "fill", lambda: session.setdefault("cart", "full"))
    client.get("/fill")
    state = begin(client)
    planted = cookies_of(client)["session"]
    finish(client, state)
    assert cookies_of(client)["session"] != planted
    assert client.get("/fill").text == "full"
    thief = app.test_client()
    thief.set_cookie("session", planted)
    with thief:
        thief.get("/fill")
        assert thief.get("/me").status_code == 401


def test_session_that_is_empty_by_then_gets_a_new_id(app: Flask, client: FlaskClient) -> None:
    """A planted session is worth nothing, though only a receiver writes to it at the login."""
    attacker = app.test_client()

    def remember(sender: Flask, grant: Any) -> None:
        session["user"] = "victim"

    app.add_url_rule("/who", "who", lambda: str(session.get("user")))
    state = begin(attacker)
    planted = cookies_of(attacker)["session"]
    client.set_cookie("session", planted)
    victims = begin(client)
    attacker.get("/callback", query_string={"state": state, "error": "x"})
    with signals.logged_in.connected_to(remember, app):
        finish(client, victims)
    assert cookies_of(client)["session"] != planted
    assert client.get("/who").text == "victim"
    assert attacker.get("/who").text == "None"


def test_session_holds_no_grant(app: Flask) -> None:
    """After a login the session has nothing of ours, so it is gone."""
    with app.test_client() as client:
        log_in(client)
        assert "session" not in cookies_of(client)
        client.get("/me")
        assert dict(session) in ({}, {"_permanent": True})


def test_login_cookie_is_not_the_key(app: Flask, client: FlaskClient) -> None:
    """Who reads the store cannot make a cookie of what stands there."""
    log_in(client)
    [value] = [v for n, v in cookies_of(client).items() if n.startswith("altdentifier")]
    cache = extension(app).store.cache
    assert isinstance(cache, SimpleCache)
    assert cache._cache
    assert not any(
        value in key or value.encode() in kept for key, (_, kept) in cache._cache.items()
    )


# Signals


def test_signals_tell_of_logins(app: Flask, client: FlaskClient) -> None:
    """`logged_in` and `login_failed` are sent from the app."""
    told: list[Any] = []

    def on_login(sender: Flask, grant: Any) -> str:
        told.append((sender, grant.scope, current_grant.covers("read:user")))
        return "ignored"

    def on_failure(sender: Flask, error: errors.AltDentifierError) -> None:
        told.append((sender, error.reason))

    with (
        signals.logged_in.connected_to(on_login, app),
        signals.login_failed.connected_to(on_failure, app),
    ):
        client.get("/callback?state=x")
        log_in(client)
    assert told == [(app, "invalid_state"), (app, {"read:user"}, True)]


def test_receiver_that_raises_refuses_the_login(app: Flask, client: FlaskClient) -> None:
    """Nothing is kept of a login that a receiver of `logged_in` did not like."""
    app.testing = False

    def refuse(sender: Flask, grant: Any) -> None:
        raise errors.AccessDenied

    state = begin(client)
    with signals.logged_in.connected_to(refuse, app):
        response = finish(client, state)
    assert reason(response) == "access_denied"
    assert client.get("/me").status_code == 401
    assert not [name for name in cookies_of(client) if name.startswith("altdentifier")]


def test_receiver_may_log_out(app: Flask, client: FlaskClient) -> None:
    """A receiver of `logged_in` that logs out leaves no login behind."""

    def leave(sender: Flask, grant: Any) -> None:
        logout()

    with signals.logged_in.connected_to(leave, app):
        assert finish(client, begin(client)).status_code == 303
    assert client.get("/me").status_code == 401
    assert not [name for name in cookies_of(client) if name.startswith("altdentifier")]


# The cookies


def test_cookies_on_plain_http(client: FlaskClient) -> None:
    """Our cookies are HttpOnly and Lax, and carry a hash of the client id."""
    response = client.get("/login")
    [cookie] = [c for c in response.headers.getlist("Set-Cookie") if c.startswith("altdent")]
    hashed = hashlib.sha256(b"the-client").hexdigest()[:8]
    assert cookie.startswith(f"altdentifier_{hashed}_state_")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/;" in cookie
    assert "Max-Age=600" in cookie
    assert "Secure" not in cookie


def test_cookies_on_https(client: FlaskClient) -> None:
    """On https they are `__Host-` cookies."""
    state = begin(client, base_url="https://localhost")
    response = finish(client, state, base_url="https://localhost")
    ours = [c for c in response.headers.getlist("Set-Cookie") if "altdentifier" in c]
    assert len(ours) == 2
    for cookie in ours:
        assert cookie.startswith("__Host-altdentifier_")
        assert "Secure" in cookie
        assert "Path=/;" in cookie
        assert "Domain" not in cookie


@pytest.mark.parametrize(
    "config",
    [{"SESSION_COOKIE_PATH": "/shop"}, {"SESSION_COOKIE_DOMAIN": "example.test"}],
)
def test_cookies_follow_the_session_cookie(config: dict[str, str]) -> None:
    """Path and domain are the session cookie's; then they cannot be `__Host-` cookies."""
    client = make_app(**config, SESSION_COOKIE_SECURE=True).test_client()
    [cookie, _] = client.get("/login").headers.getlist("Set-Cookie")
    assert cookie.startswith("altdentifier_")
    assert "Secure" in cookie
    assert f"Path={config.get('SESSION_COOKIE_PATH', '/')};" in cookie
    assert ("Domain=example.test" in cookie) is ("SESSION_COOKIE_DOMAIN" in config)


def test_two_apps_on_one_host_do_not_meet(client: FlaskClient) -> None:
    """A second client's app on the same host has cookies of its own."""
    other = make_app(ALTDENTIFIER_CLIENT_ID="other").test_client()
    log_in(client)
    log_in(other)
    ours, theirs = cookies_of(client), cookies_of(other)
    assert ours.keys().isdisjoint(theirs)


# Starting a login from a view


@pytest.fixture
def start(app: Flask) -> dict[str, Any]:
    """The arguments with which the view `/start` starts a login."""
    arguments: dict[str, Any] = {"scopes": ()}

    @app.get("/start")
    def start_view() -> Response:
        options = {k: v for k, v in arguments.items() if k != "scopes"}
        return authorize_redirect(*arguments["scopes"], **options)

    return arguments


def test_authorize_redirect_asks_for_the_configured_scope(
    client: FlaskClient, start: dict[str, Any]
) -> None:
    """Without scopes it asks for `ALTDENTIFIER_SCOPE`."""
    assert query_of(client.get("/start").location)["scope"] == "read:user"


def test_authorize_redirect_keeps_what_was_asked_for(
    client: FlaskClient, start: dict[str, Any]
) -> None:
    """A new login asks for what the live grant was asked for too, and comes back to next."""
    log_in(client)
    start |= {"scopes": ("write:integrations",), "guild_id": "81384788765712384", "next": "/x"}
    query = query_of(client.get("/start").location)
    assert query["scope"] == "read:user write:integrations"
    assert query["guild_id"] == "81384788765712384"
    assert finish(client, query["state"]).location == "/x"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"scopes": ("a b",)}, "is not a scope"),
        ({"guild_id": "1"}, "only goes with"),
        ({"scopes": ("write:integrations",), "guild_id": "x"}, "snowflake"),
    ],
)
def test_authorize_redirect_refuses_nonsense(
    client: FlaskClient, start: dict[str, Any], arguments: dict[str, Any], problem: str
) -> None:
    """A scope or server that cannot be meant is an error of the program."""
    start |= arguments
    with pytest.raises(ValueError, match=problem):
        client.get("/start")


def test_login_asks_for_the_configured_scope_only(
    client: FlaskClient, start: dict[str, Any]
) -> None:
    """`/login` asks for `ALTDENTIFIER_SCOPE`, whoever is logged in."""
    start["scopes"] = ("write:integrations",)
    log_in(client, "/start")
    assert query_of(client.get("/login").location)["scope"] == "read:user"


# Sessions that cannot be used


@pytest.mark.parametrize("path", ["/login", "/callback"])
def test_signed_cookie_sessions_are_refused(path: str) -> None:
    """Flask's own sessions are the browser's: the error says what to do instead."""
    app = Flask(__name__)
    app.secret_key = "secret"
    app.testing = True
    app.config.update(
        ALTDENTIFIER_CLIENT_ID="id",
        ALTDENTIFIER_CLIENT_SECRET="secret",
        ALTDENTIFIER_STORE=SimpleCache(),
    )
    app.register_blueprint(blueprint)
    with pytest.raises(ConfigError, match="signed cookies"):
        app.test_client().get(path)


def test_session_may_be_set_up_after_the_blueprint() -> None:
    """`Session(app)` may come before or after the registration."""
    from flask_session import Session

    configured = bare_app().config
    app = Flask("late")
    app.config.update(configured)
    app.register_blueprint(blueprint)
    Session(app)
    extension(app).transport = FakeAltDentifier()
    assert log_in(app.test_client()).location == "/"


def test_error_page_of_a_failed_login(client: FlaskClient) -> None:
    """A person whose login failed sees a page with a way on."""
    response = client.get("/callback", headers=PAGE)
    assert "This login cannot be finished" in response.text
    assert 'href="/login"' in response.text
