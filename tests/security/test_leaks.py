"""Secrets take every path, and stand in no log, page, header, repr, `vars`, pickle or traceback.

Each test takes an app through a path with secrets that can be recognized, all loggers at DEBUG, and
looks for each of them, plain or encoded, in all that came out.
"""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from flask_altdentifier import (
    ApiResponse,
    Grant,
    api,
    blueprint,
    current_grant,
    errors,
    logout,
    requires_scope,
    signals,
    webhooks,
)
from flask_altdentifier.browser.cookies import StateCookie
from flask_altdentifier.browser.pending_logins import PendingLogin
from flask_altdentifier.config import read_config
from flask_altdentifier.http.transport import HTTPTransport
from flask_altdentifier.oauth.authorization_response import AuthorizationResponse
from flask_altdentifier.oauth.client import OAuthClient
from flask_altdentifier.stores import MemoryStore, from_setting

from ..http.peer import Peer, hang_up, http, peer, send
from ..support import PAGE, bare_app, cookies_of, query_of, state_of
from .watch import Watch, found, text_of_error, text_of_response

SECRET = "canary-client-secret+/=~"
CODE = "canary-authorization-code/+"
ACCESS = "canary-access-token"
REFRESH = "canary-refresh-token"
WEBHOOK = "canary-webhook-secret"
#: Text of the provider that is no token.
TEXT = "canary-text-of-the-peer"

visitors = pytest.mark.parametrize("headers", [PAGE, {}], ids=["page", "program"])
#: For tests of which the token requests differ.
auth_methods = pytest.mark.parametrize(
    "journey", ["client_secret_post", "client_secret_basic"], indirect=True
)


class Talkative(MemoryStore):
    """A store whose call number `fuse` fails, with an error that tells all."""

    fuse = -1

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name not in {"get", "set", "pop", "delete"}:
            return method

        def call(*values: Any) -> Any:
            self.fuse -= 1
            if self.fuse == 0:
                raise ConnectionError(f"cannot send {values!r}, {self._records!r}")
            return method(*values)

        return call


class Journey:
    """One browser's way through an app, and all the secrets that came up."""

    def __init__(self, app: Flask, provider: Peer) -> None:
        self.app, self.provider, self.client = app, provider, app.test_client()
        #: What must be nowhere.
        self.secrets = {SECRET, CODE, ACCESS, REFRESH, WEBHOOK, TEXT}
        #: What our cookies hold, and nothing else.
        self.cookies: set[str] = set()
        self.errors: list[BaseException] = []

    def get(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        """Send a request, and search the response."""
        response = self.client.open(path, method=method, **options)
        self.cookies |= {v for k, v in cookies_of(self.client).items() if "altdentifier" in k}
        location, without = response.headers.get("Location", ""), ["Set-Cookie"]
        if urlsplit(location).path == "/oauth2/authorize":
            # Only here the state is shown, and the cookie that it is made of is not.
            assert found(self.secrets | self.cookies, location) == []
            self.secrets.add(query_of(location)["state"])
            without.append("Location")
        shown = text_of_response(response, without=without)
        assert found(self.secrets | self.cookies, shown) == []
        assert found(self.secrets, "\n".join(response.headers.getlist("Set-Cookie"))) == []
        return response

    def start(self, **options: Any) -> str:
        return query_of(self.get("/login?next=/me", **options).location)["state"]

    def finish(self, state: str, **options: Any) -> TestResponse:
        return self.get("/callback", query_string={"code": CODE, "state": state}, **options)

    def log_in(self) -> None:
        assert self.finish(self.start()).status_code == 303

    def check(self, watch: Watch) -> None:
        """Search the logs and the errors."""
        for request in self.provider.requests:
            form = parse_qs(request.partition(b"\r\n\r\n")[2].decode())
            self.secrets |= set(form.get("code_verifier", []))
        words = self.secrets | self.cookies
        assert found(words, watch.text + "\n".join(map(text_of_error, self.errors))) == []


def leave() -> str:
    logout()
    return "left"


@pytest.fixture
def journey(
    request: pytest.FixtureRequest, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Journey]:
    """A browser before an app that uses all there is. What came out is searched at the end."""
    members = {"access_token": ACCESS, "refresh_token": REFRESH, "token_type": "Bearer", "x": TEXT}
    answer = http(json.dumps(members).encode(), f"X-Text: {TEXT}".encode())
    with peer(send(answer)) as provider:
        app = bare_app(
            ALTDENTIFIER_BASE_URL=provider.origin,
            ALTDENTIFIER_CLIENT_SECRET=SECRET,
            ALTDENTIFIER_PKCE=True,
            ALTDENTIFIER_STORE=Talkative(),
            ALTDENTIFIER_TIMEOUT=1,
            ALTDENTIFIER_TOKEN_AUTH_METHOD=getattr(request, "param", "client_secret_post"),
            ALTDENTIFIER_WEBHOOK_SECRET=WEBHOOK,
        )
        app.testing = False  # errors are answered and logged, as in production
        app.register_blueprint(blueprint)
        app.register_blueprint(webhooks.blueprint)
        views: dict[str, Any] = {
            "/me": requires_scope()(lambda: sorted(current_grant.scope)),
            "/servers": requires_scope("write:integrations")(lambda: "x"),
            "/ask": lambda: str(api.get("/api/v2/me?x=1").status),
            "/trust": lambda: str(api.trust_factor(1)),
            "/leave": leave,
            "/broken": lambda: str(1 // int(not current_grant.access_token)),
        }
        for path, view in views.items():
            app.add_url_rule(path, path[1:], view)
        traveller, handle = Journey(app, provider), app.handle_user_exception

        def keep(error: Exception) -> Any:
            traveller.errors.append(error)
            return handle(error)

        monkeypatch.setattr(app, "handle_user_exception", keep)
        yield traveller
        traveller.check(watch)
        transport = state_of(app).transport
        assert isinstance(transport, HTTPTransport)
        transport._pool().close()


LEAKS: list[Callable[[logging.Logger], None]] = [
    lambda log: log.debug("code is %s", CODE),
    lambda log: log.debug("GET /callback?code=canary-authorization-code%2F%2B"),
    lambda log: log.debug("x", extra={"form": {"code": CODE}}),
    lambda log: log.debug("Basic %s", b64encode(f"id:{CODE}".encode())),
    lambda log: log.debug("x", exc_info=ValueError(CODE)),
    lambda log: logging.getLogger("made.later").debug(CODE),
]


@pytest.mark.parametrize("leak", LEAKS)
def test_search_finds_a_leak(watch: Watch, leak: Callable[[logging.Logger], None]) -> None:
    leak(logging.getLogger("some.library"))
    assert found([CODE], watch.text) == [CODE]


def test_secrets_do_flow(journey: Journey) -> None:
    """They were sent, received and stored, so finding none of them means something."""
    journey.log_in()
    [request] = journey.provider.requests
    assert CODE.replace("/", "%2F").replace("+", "%2B").encode() in request
    stored = str(journey.app.config["ALTDENTIFIER_STORE"]._records)
    assert ACCESS in stored
    assert REFRESH in stored
    assert len(journey.cookies) == 2


@auth_methods
@visitors
def test_login_and_logout(journey: Journey, headers: dict[str, str]) -> None:
    state = journey.start(headers=headers)
    assert journey.finish(state, headers=headers).status_code == 303
    assert journey.get("/me", headers=headers).status_code == 200
    journey.get("/servers", headers=headers)
    journey.finish(state, headers=headers)
    assert journey.get("/broken").status_code == 500
    journey.get("/logout", "POST", headers={"Sec-Fetch-Site": "cross-site", **headers})
    assert journey.get("/logout", "POST", headers=headers).status_code == 303
    journey.finish(state, headers=headers)


@visitors
@pytest.mark.parametrize(
    "query",
    [
        f"error={TEXT}&error_description={TEXT}&error_uri=https://x/{TEXT}",
        f"error=access_denied&error_description={TEXT}",
        f"error=invalid_scope&error_description={TEXT}",
        f"code={CODE}&error={TEXT}",
        f"code={CODE}&code={CODE}",
        f"code={CODE}%00",
        f"code={CODE}\xe9",
        f"iss=https://{TEXT}/",
    ],
)
def test_refused_callback(journey: Journey, query: str, headers: dict[str, str]) -> None:
    state = journey.start(headers=headers)
    response = journey.get(f"/callback?{query}&state={state}", headers=headers)
    assert response.status_code in {400, 403, 502}
    stranger = journey.app.test_client().get(f"/callback?{query}&state={state}", headers=headers)
    assert found(journey.secrets, text_of_response(stranger)) == []


REFUSED = json.dumps({"error": TEXT, "code": CODE, "trustfactor": TEXT, "access_token": "\n"})
REFUSED_HEADERS = [
    f"{name}: {TEXT} {SECRET} {ACCESS}".encode()
    for name in ("Retry-After", "Location", "WWW-Authenticate", "Set-Cookie", "Content-Type")
]


@auth_methods
@visitors
@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 429, 500, 503])
def test_refused_exchange_and_api_call(
    journey: Journey, status: int, headers: dict[str, str]
) -> None:
    journey.log_in()
    state = journey.start()
    answer = http(REFUSED.encode(), *REFUSED_HEADERS, status=f"{status} {TEXT}".encode())
    journey.provider.respond = send(answer)
    told: list[BaseException] = []

    def receive(sender: Flask, error: BaseException) -> None:
        told.append(error)

    with signals.login_failed.connected_to(receive, journey.app):
        response = journey.finish(state, headers=headers)
    assert response.status_code in {400, 502, 503}
    assert "Retry-After" not in response.headers
    journey.errors += told
    assert len(told) == 1
    for path in ("/trust", "/ask"):
        journey.get(path, headers=headers)


@auth_methods
@pytest.mark.parametrize(
    "response",
    [
        b"",
        f"{TEXT} {CODE}\r\n\r\n".encode(),
        f"HTTP/1.1 200 {TEXT}\r\n{CODE}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nContent-Length: {TEXT}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{TEXT}\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{TEXT}".encode(),
    ],
)
def test_broken_exchange_and_api_call(journey: Journey, response: bytes) -> None:
    journey.log_in()
    state = journey.start()
    journey.provider.respond = send(response, close=True) if response else hang_up
    assert journey.finish(state).status_code == 502
    assert journey.get("/ask").status_code == 502


@pytest.mark.parametrize(
    ("body", "digest", "status"),
    [
        (f'{{"OP": 1, "text": "{TEXT}"}}', None, 204),
        (f'{{"OP": 1, "text": "{TEXT}"', None, 400),
        (TEXT, f"MD5={TEXT}", 403),
        (TEXT, "MD5=" + "0" * 32, 403),
        (TEXT * 4000, None, 413),
    ],
)
def test_webhook(journey: Journey, body: str, digest: str | None, status: int) -> None:
    right = webhooks.digest(WEBHOOK, body.encode())
    journey.secrets.add(right.removeprefix("MD5="))
    headers = {"Digest": right if digest is None else digest}
    assert journey.get("/webhook", "POST", data=body, headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/login", "/logout", "/leave", "/me"])
def test_store_fails(journey: Journey, watch: Watch, path: str) -> None:
    """Whichever call fails. The store's error repeats keys and values."""
    store = journey.app.config["ALTDENTIFIER_STORE"]
    for fuse in range(1, 20):
        journey.client = journey.app.test_client()
        journey.log_in()
        store.fuse = fuse
        response = journey.get(path, "POST" if path == "/logout" else "GET")
        if response.status_code == 302:
            journey.finish(query_of(response.location)["state"], headers=PAGE)
        if store.fuse > 0:
            break
        store.fuse = -1
    assert 1 < fuse < 19
    assert "ConnectionError" in watch.text


def test_damaged_record(journey: Journey) -> None:
    journey.log_in()
    store = journey.app.config["ALTDENTIFIER_STORE"]
    for key in list(store._records):
        store.set(key, f'{{"access_token": "{ACCESS}", "x": ', 60)
    assert journey.get("/me").status_code == 401


# What developers see


def test_no_repr_shows_a_secret(journey: Journey) -> None:
    journey.log_in()
    state = state_of(journey.app)
    shown = [
        *(state, state.config, state.oauth, state.transport, state.records()),
        *(api, blueprint, webhooks.blueprint, errors.InsufficientScope({"read:user"})),
        state.get_store(),
        StateCookie(CODE),
        PendingLogin(None, frozenset({"read:user"}), "https://x/", CODE, 0.0),
        AuthorizationResponse(f"code={CODE}".encode()),
        ApiResponse(200, Headers({"x": TEXT}), TEXT.encode()),
        webhooks.Event.from_raw({"OP": 1, "token": TEXT}),
        from_setting(f"redis://:{WEBHOOK}@localhost"),
        from_setting(f"postgresql+pg8000://x:{WEBHOOK}@localhost/x"),
    ]
    for value in shown:
        assert found(journey.secrets, f"{value!r} {value}") == []


@pytest.mark.parametrize("key", ["CLIENT_SECRET", "WEBHOOK_SECRET", "CLIENT_ID", "STORE"])
@pytest.mark.parametrize(
    "value", [f"x://:{SECRET}@[\n", f"é{SECRET}", {SECRET: 1}, SECRET.encode()]
)
def test_config_error_repeats_no_value(key: str, value: Any) -> None:
    config = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "x"}
    with pytest.raises(errors.ConfigError) as caught:
        read_config({**config, f"ALTDENTIFIER_{key}": value})
    assert found([SECRET], text_of_error(caught.value)) == []


def test_planted_leak_is_found(
    journey: Journey, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = OAuthClient.exchange_code

    def leaky(self: OAuthClient, code: str, **options: Any) -> Grant:
        logging.getLogger("flask_altdentifier").debug("exchanging %s", code)
        return exchange(self, code, **options)

    monkeypatch.setattr(OAuthClient, "exchange_code", leaky)
    journey.log_in()
    with pytest.raises(AssertionError):
        journey.check(watch)
    watch.records.clear()
