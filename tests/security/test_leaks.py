"""Secrets flow through every path, and are found in no log, page, header, repr or traceback.

Each test takes an app through a path with secrets that can be told apart, all loggers at DEBUG,
and looks for each of them, plain or encoded, in all that came out.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cachelib import SimpleCache
from flask import Flask
from urllib3 import HTTPHeaderDict
from werkzeug.test import TestResponse

from flask_altdentifier import (
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
from flask_altdentifier.callback import CallbackQuery
from flask_altdentifier.pending import PendingLogin
from flask_altdentifier.provider import Provider
from flask_altdentifier.settings import Settings
from flask_altdentifier.transport import Response

from ..support import PAGE, bare_app, cookies_of, extension, query_of
from .peer import Peer, hang_up, http, peer, saying
from .watch import Watch, found, text_of_error, text_of_response

SECRET = "canary-client-secret+/=~"
CODE = "canary-authorization-code/+"
ACCESS = "canary-access-token"
REFRESH = "canary-refresh-token"
WEBHOOK = "canary-webhook-secret"
#: Text of the provider that is no token.
TEXT = "canary-text-of-the-peer"

WEEK = 604_800


class Loose(SimpleCache):
    """A cache that fails when it is told to, and whose errors tell all they know."""

    def __init__(self) -> None:
        super().__init__(threshold=100_000)
        #: Operations until one fails; none does while this is below 0.
        self.fuse = -1

    def _burn(self, *values: Any) -> None:
        self.fuse -= 1
        if self.fuse == 0:
            raise ConnectionError(f"cannot send {values!r} {vars(self)!r}")

    def get(self, key: str) -> Any:
        self._burn("get", key)
        return super().get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        self._burn("set", key, value)
        return super().set(key, value, timeout)

    def delete(self, key: str) -> Any:
        self._burn("delete", key)
        return super().delete(key)


class Journey:
    """One browser's way through an app, and all the secrets that came up on it."""

    def __init__(self, app: Flask, provider: Peer, watch: Watch) -> None:
        self.app = app
        self.provider = provider
        self.watch = watch
        self.cache: Loose = app.config["ALTDENTIFIER_STORE"]
        self.client = app.test_client()
        #: What must be nowhere.
        self.secrets = {SECRET, CODE, ACCESS, REFRESH, WEBHOOK, TEXT}
        #: What stands in our cookies, and must be nowhere else.
        self.cookies: set[str] = set()
        self.errors: list[BaseException] = []
        self.seen: list[TestResponse] = []

    def get(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        """Send a request, and look at the answer."""
        response = self.client.open(path, method=method, **options)
        self.seen.append(response)
        self.cookies |= {v for k, v in cookies_of(self.client).items() if "altdentifier" in k}
        location = response.headers.get("Location", "")
        # The protocol itself shows the state to AltDentifier's page, and cookies to the browser.
        without = ["Set-Cookie"]
        if urlsplit(location).path == "/oauth2/authorize":
            self.secrets.add(query_of(location)["state"])
            without.append("Location")
            told = self.secrets - {query_of(location)["state"]}
            assert found(told | self.cookies, location) == []
        shown = text_of_response(response, without=without)
        assert found(self.secrets | self.cookies, shown) == []
        assert found(self.secrets, "\n".join(response.headers.getlist("Set-Cookie"))) == []
        return response

    def begin(self, **options: Any) -> str:
        """Start a login and return its state."""
        return query_of(self.get("/login?next=/me", **options).location)["state"]

    def finish(self, state: str, **options: Any) -> TestResponse:
        """Come back with the code."""
        query = {"code": CODE, "state": state}
        response = self.get("/callback", query_string=query, **options)
        for form in self.provider.forms:
            self.secrets |= set(form.get("code_verifier", []))
        return response

    def log_in(self) -> None:
        """Go through a login that works."""
        assert self.finish(self.begin()).status_code == 303

    def check(self) -> None:
        """Look for each secret in the logs and in the errors."""
        words = self.secrets | self.cookies
        assert found(words, self.watch.text) == []
        assert found(words, "\n".join(map(text_of_error, self.errors))) == []


def leave() -> str:
    """Log out in a view of the app's own."""
    logout()
    return "left"


def token(number: int = 0, **members: Any) -> bytes:
    """Return a token response whose tokens are secrets."""
    members = {
        "access_token": f"{ACCESS}-{number}",
        "refresh_token": f"{REFRESH}-{number}",
        "token_type": "Bearer",
        "expires_in": WEEK,
        "scope": "read:user",
        "text": TEXT,
    } | members
    return http(json.dumps(members).encode(), f"X-Text: {TEXT}".encode())


@pytest.fixture
def provider(certificate: ssl.SSLContext, trusted: None) -> Iterator[Peer]:
    """An AltDentifier that gives tokens, until a test tells it otherwise."""
    with peer(saying(token()), certificate) as running:
        yield running


@pytest.fixture(params=["client_secret_post", "client_secret_basic"])
def auth_method(request: pytest.FixtureRequest) -> str:
    """Each way to send the client's secret."""
    return str(request.param)


@pytest.fixture
def journey(
    provider: Peer, watch: Watch, auth_method: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Journey]:
    """A browser before an app that uses all there is; what came out is looked at in the end."""
    app = bare_app(
        ALTDENTIFIER_BASE_URL=provider.origin,
        ALTDENTIFIER_CLIENT_SECRET=SECRET,
        ALTDENTIFIER_PKCE=True,
        ALTDENTIFIER_REFRESH=True,
        ALTDENTIFIER_STORE=Loose(),
        ALTDENTIFIER_TIMEOUT=1,
        ALTDENTIFIER_TOKEN_AUTH_METHOD=auth_method,
        ALTDENTIFIER_WEBHOOK_SECRET=WEBHOOK,
    )
    app.testing = False  # errors are answered and logged, as in production
    app.register_blueprint(blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.add_url_rule("/me", "me", requires_scope()(lambda: sorted(current_grant.scope)))
    app.add_url_rule("/servers", "servers", requires_scope("write:integrations")(lambda: "x"))
    app.add_url_rule("/ask", "ask", lambda: str(api.get("/api/v2/me?x=1").status))
    app.add_url_rule("/trust", "trust", lambda: str(api.trust_factor(1)))
    app.add_url_rule("/leave", "leave", leave)
    app.add_url_rule("/broken", "broken", lambda: str(1 // int(not current_grant.access_token)))
    traveller = Journey(app, provider, watch)
    handle = app.handle_user_exception

    def keep(error: Exception) -> Any:
        traveller.errors.append(error)
        return handle(error)

    monkeypatch.setattr(app, "handle_user_exception", keep)
    yield traveller
    traveller.check()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let seconds pass."""
    passed, now = [0.0], time.time

    def let_pass(seconds: float) -> None:
        passed[0] += seconds

    monkeypatch.setattr(time, "time", lambda: now() + passed[0])
    return let_pass


# The watch itself


class Secretive(ValueError):
    """Has a secret that its text does not show."""

    hidden = ""


@pytest.mark.parametrize(
    "leak",
    [
        lambda log: log.debug("code is %s", CODE),
        lambda log: log.debug("code is %r", {"code": CODE}),
        lambda log: log.debug("GET /callback?code=canary-authorization-code%2F%2B"),
        lambda log: log.debug("x", extra={"form": {"code": CODE}}),
        lambda log: log.debug("Basic %s", b64encode(f"id:{CODE}".encode())),
        lambda log: log.debug("x", exc_info=ValueError(CODE)),
        lambda log: log.debug("x", exc_info=chained(ValueError("y"), ValueError(CODE))),
        lambda log: log.debug("x", exc_info=noted(CODE)),
        lambda log: logging.getLogger("made.later").debug(CODE),
    ],
)
def test_watch_finds_a_leak(watch: Watch, leak: Callable[[logging.Logger], None]) -> None:
    """A secret in a message, an argument, an extra, an encoding or a chained error is found."""
    leak(logging.getLogger("urllib3.connectionpool"))
    assert found([CODE], watch.text) == [CODE]


def chained(error: BaseException, behind: BaseException) -> BaseException:
    """Return *error* with another one behind it."""
    error.__context__ = behind
    return error


def noted(text: str) -> BaseException:
    """Return an error that carries *text* beside its message."""
    error = Secretive("x")
    error.hidden = text
    return error


def test_watch_hears_the_libraries(journey: Journey) -> None:
    """urllib3 speaks at DEBUG, so that its silence about secrets means something."""
    journey.log_in()
    assert "urllib3.connectionpool" in journey.watch.loggers


def test_secrets_do_flow(journey: Journey, auth_method: str) -> None:
    """The secrets that are looked for were there: sent, received and stored."""
    journey.log_in()
    [request] = journey.provider.requests
    [form] = journey.provider.forms
    assert form["code"] == [CODE]
    assert form["code_verifier"][0] in journey.secrets
    if auth_method == "client_secret_post":
        assert form["client_secret"] == [SECRET]
    else:
        assert b"Authorization: Basic " in request
    stored = str(journey.cache._cache)
    assert ACCESS in stored
    assert REFRESH in stored
    assert len(journey.cookies) == 2
    assert len(journey.secrets) == 8


# Logins


@pytest.mark.parametrize("headers", [PAGE, {}], ids=["page", "program"])
def test_login(journey: Journey, headers: dict[str, str]) -> None:
    """A login from end to end, its use, a second callback, and the logout."""
    state = journey.begin(headers=headers)
    assert journey.finish(state, headers=headers).status_code == 303
    assert journey.get("/me", headers=headers).status_code == 200
    journey.get("/servers", headers=headers)
    journey.finish(state, headers=headers)
    journey.get("/logout", "POST", headers={"Sec-Fetch-Site": "cross-site", **headers})
    assert journey.get("/logout", "POST", headers=headers).status_code == 303
    journey.finish(state, headers=headers)
    assert journey.get("/me", headers=headers).status_code in {302, 401}


@pytest.mark.parametrize("headers", [PAGE, {}], ids=["page", "program"])
@pytest.mark.parametrize(
    "query",
    [
        f"error={TEXT}&error_description={TEXT}&error_uri=https://x/{TEXT}",
        f"error=access_denied&error_description={TEXT}",
        f"code={CODE}&error={TEXT}",
        f"code={CODE}&code={CODE}",
        f"code={CODE}%00",
        f"code={CODE}\xe9",
        f"code={CODE}&state=again",
        f"iss=https://{TEXT}/",
    ],
)
def test_answer_is_refused(journey: Journey, query: str, headers: dict[str, str]) -> None:
    """What the browser brings back is nowhere, whatever is wrong with it."""
    state = journey.begin(headers=headers)
    response = journey.get(f"/callback?{query}&state={state}", headers=headers)
    assert response.status_code in {400, 403}
    stranger = journey.app.test_client().get(f"/callback?{query}&state={state}", headers=headers)
    assert found(journey.secrets, text_of_response(stranger)) == []


@pytest.mark.parametrize("headers", [PAGE, {}], ids=["page", "program"])
@pytest.mark.parametrize(
    "status", ["200", "201", "302", "400", "401", "403", "404", "429", "500", "503"]
)
def test_provider_refuses(journey: Journey, status: str, headers: dict[str, str]) -> None:
    """What the provider says when it refuses is nowhere: not its text, not what it repeats."""
    repeated = json.dumps({"error": TEXT, "code": CODE, "secret": SECRET, "access_token": "\n"})
    journey.provider.talk = saying(
        http(
            repeated.encode(),
            f"Retry-After: {TEXT}".encode(),
            f"Location: https://x.example/{TEXT}?code={CODE}".encode(),
            f"WWW-Authenticate: Basic realm={SECRET}".encode(),
            f"Set-Cookie: x={TEXT}".encode(),
            status=f"{status} {TEXT}".encode(),
        )
    )
    response = journey.finish(journey.begin(headers=headers), headers=headers)
    assert response.status_code in {400, 502, 503}
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize(
    "talk",
    [
        hang_up,
        saying(f"{TEXT} {CODE}\r\n\r\n".encode(), hang_up_after=True),
        saying(f"HTTP/1.1 200 {TEXT}\r\n{CODE}\r\n\r\n".encode(), hang_up_after=True),
        saying(f"HTTP/1.1 200 OK\r\nContent-Length: {TEXT}\r\n\r\n".encode(), hang_up_after=True),
        saying(
            f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{TEXT}\r\n".encode(),
            hang_up_after=True,
        ),
        saying(f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{TEXT}".encode()),
    ],
    ids=["nothing", "garbage", "bad-header", "bad-length", "bad-chunk", "timeout"],
)
def test_exchange_breaks(journey: Journey, talk: Any) -> None:
    """What came before the connection broke is nowhere, and neither is what was sent."""
    journey.provider.talk = talk
    assert journey.finish(journey.begin()).status_code in {502, 504}


def test_receiver_raises(journey: Journey) -> None:
    """A receiver's own error is logged by Flask, with our frames in its traceback."""

    def fail(sender: Flask, grant: Any) -> None:
        raise RuntimeError("receiver")

    with signals.logged_in.connected_to(fail, journey.app):
        assert journey.finish(journey.begin()).status_code == 500
    assert "receiver" in journey.watch.text


def test_failed_logins_are_told(journey: Journey) -> None:
    """The error that receivers of `login_failed` get, and may log, holds no secret."""
    told: list[BaseException] = []

    def tell(sender: Flask, error: BaseException) -> None:
        told.append(error)

    with signals.login_failed.connected_to(tell, journey.app):
        for status in (b"400 X", b"401 X", b"503 X"):
            journey.provider.talk = saying(http(TEXT.encode(), status=status))
            journey.finish(journey.begin())
    assert len(told) == 3
    journey.errors += told


def test_view_that_uses_the_token_raises(journey: Journey) -> None:
    """An error in a view that read the token is logged without it."""
    journey.log_in()
    assert journey.get("/broken").status_code == 500
    assert "ZeroDivisionError" in journey.watch.text


# Bearer calls


@pytest.mark.parametrize("status", ["200", "302", "401", "403", "404", "429", "500", "503"])
@pytest.mark.parametrize("path", ["/ask", "/trust"])
def test_api(journey: Journey, path: str, status: str) -> None:
    """A bearer call tells neither the token nor the answer."""
    journey.log_in()
    journey.provider.talk = saying(
        http(
            json.dumps({"trustfactor": TEXT, "token": ACCESS}).encode(),
            f"Retry-After: {TEXT}".encode(),
            f"WWW-Authenticate: Bearer error={ACCESS}".encode(),
            status=f"{status} {TEXT}".encode(),
        )
    )
    journey.get(path, headers=PAGE)
    assert f"Authorization: Bearer {ACCESS}-0\r\n".encode() in journey.provider.requests[-1]


def test_api_breaks(journey: Journey) -> None:
    """A bearer call that breaks off tells nothing either."""
    journey.log_in()
    for talk in (hang_up, saying(f"{TEXT}\r\n\r\n".encode(), hang_up_after=True)):
        journey.provider.talk = talk
        assert journey.get("/ask").status_code == 502


# Refreshing


def test_refresh(journey: Journey, later: Callable[[float], None]) -> None:
    """Tokens that a refresh brings are as secret as the first ones."""
    journey.log_in()
    for number in (1, 2):
        journey.provider.talk = saying(token(number))
        later(WEEK + 5)
        assert journey.get("/me").status_code == 200
    assert journey.provider.forms[-1]["refresh_token"] == [f"{REFRESH}-1"]
    assert journey.get("/logout", "POST").status_code == 303


@pytest.mark.parametrize("status", ["200", "302", "400", "401", "429", "500", "503"])
def test_refresh_is_refused(journey: Journey, later: Callable[[float], None], status: str) -> None:
    """A refresh that is refused tells nothing of the refresh token."""
    journey.log_in()
    later(WEEK + 5)
    journey.provider.talk = saying(
        http(f'{{"error": "{TEXT} {REFRESH}-0"}}'.encode(), status=f"{status} {TEXT}".encode())
    )
    assert journey.get("/me").status_code in {401, 502, 503}
    assert journey.provider.forms[-1]["refresh_token"] == [f"{REFRESH}-0"]


# Webhooks


@pytest.mark.parametrize(
    ("body", "digest", "status"),
    [
        (f'{{"OP": 1, "text": "{TEXT}"}}', None, 204),
        (f'{{"OP": 1, "text": "{TEXT}"', None, 400),
        (f'"{TEXT}"', None, 400),
        (TEXT, f"MD5={TEXT}", 403),
        (TEXT, "MD5=" + "0" * 32, 403),
        (TEXT, "", 403),
        (TEXT * 4000, None, 413),
    ],
)
def test_webhook(journey: Journey, body: str, digest: str | None, status: int) -> None:
    """Neither the secret nor the right digest nor the body is told."""
    right = webhooks.digest(WEBHOOK, body.encode())
    journey.secrets.add(right.removeprefix("MD5="))
    headers = {"Digest": right if digest is None else digest}
    assert journey.get("/webhook", "POST", data=body, headers=headers).status_code == status


def test_webhook_handler_raises(journey: Journey) -> None:
    """An error in a handler is logged without what the event brought."""

    @webhooks.on(journey.app)
    def fail(event: webhooks.Event) -> None:
        raise RuntimeError(f"handler {event.op!r}")

    body = json.dumps({"OP": 1, "member": {"id": TEXT}}).encode()
    headers = {"Digest": webhooks.digest(WEBHOOK, body)}
    assert journey.get("/webhook", "POST", data=body, headers=headers).status_code == 500
    assert "handler" in journey.watch.text


# The store


@pytest.mark.parametrize("way", ["login", "refresh", "logout", "leave"])
def test_store_fails(journey: Journey, later: Callable[[float], None], way: str) -> None:
    """Whichever operation fails, what the cache's error tells of keys and values is not told on."""
    failed = 0
    for number in range(1, 20):
        journey.cache.clear()
        journey.client = journey.app.test_client()
        journey.log_in()
        later(WEEK + 5 if way == "refresh" else 0)
        journey.cache.fuse = number
        if way == "login":
            response = journey.get("/login")
            if response.status_code == 302:
                response = journey.finish(query_of(response.location)["state"])
        elif way == "logout":
            response = journey.get("/logout", "POST")
        else:
            response = journey.get("/me" if way == "refresh" else "/leave")
        burnt, journey.cache.fuse = journey.cache.fuse <= 0, -1
        if not burnt:
            break
        failed += response.status_code == 503
    assert not burnt
    assert failed >= {"login": 5, "refresh": 3, "logout": 2, "leave": 2}[way]
    assert "ConnectionError" in journey.watch.text


def test_broken_record(journey: Journey) -> None:
    """A record that cannot be read is logged without what stands in it."""
    journey.log_in()
    for key in list(journey.cache._cache):
        journey.cache.set(key, f'{{"access_token": "{ACCESS}", "x": ')
    assert journey.get("/me").status_code == 401
    assert "cannot be read" in journey.watch.text


# What is shown to developers


def test_reprs(journey: Journey) -> None:
    """No value of ours shows a secret in its `repr`."""
    journey.log_in()
    installed = extension(journey.app)
    [name] = [n for n in journey.cache._cache if ":grant:" in n]
    with journey.app.test_request_context():
        grant = installed.store.get("grant", name.rpartition(":")[2], Grant.from_record)
    login = PendingLogin(None, frozenset({"read:user"}), "https://x/", CODE, 0.0)
    shown = [
        installed,
        installed.settings,
        installed.provider,
        installed.provider._client("https://x/"),
        installed.transport,
        installed.store,
        grant,
        login,
        CallbackQuery(f"code={CODE}".encode()),
        Response(200, HTTPHeaderDict({"x": TEXT}), TEXT.encode()),
        api,
        blueprint,
        webhooks.blueprint,
        webhooks.Event.from_raw({"OP": 1, "token": TEXT}),
        errors.InsufficientScope({"read:user"}),
    ]
    assert grant is not None
    assert ACCESS in grant.access_token
    for value in shown:
        for text in (repr(value), str(value), f"{value}"):
            assert found(journey.secrets, text) == []


@pytest.mark.parametrize("key", ["CLIENT_SECRET", "WEBHOOK_SECRET", "CLIENT_ID"])
@pytest.mark.parametrize("form", [f"{SECRET}\n", f"\u00e9{SECRET}", [SECRET], SECRET.encode()])
def test_wrong_credential_is_not_repeated(key: str, form: Any) -> None:
    """The error that names a wrong secret's key does not repeat the secret."""
    config = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "x"}
    with pytest.raises(errors.ConfigError) as caught:
        Settings.from_config(config | {f"ALTDENTIFIER_{key}": form})
    assert key in str(caught.value)
    assert found([SECRET], text_of_error(caught.value)) == []


@pytest.mark.parametrize("command", ["link", "check --offline", "check --offline --json"])
def test_commands(journey: Journey, command: str) -> None:
    """The commands print no secret."""
    result = journey.app.test_cli_runner().invoke(args=["altdentifier", *command.split()])
    assert result.output
    assert found(journey.secrets, result.output) == []


def test_authorization_url_has_the_challenge_only(journey: Journey) -> None:
    """PKCE's verifier is not in the URL that the browser sees."""
    location = journey.get("/login").location
    query = query_of(location)
    journey.finish(query["state"])
    [form] = journey.provider.forms
    assert form["code_verifier"][0] not in str(location)
    assert dict(parse_qsl(urlsplit(str(location)).query)).keys() == {
        "client_id",
        "response_type",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    }


def test_what_would_leak_is_caught(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted leak, a log line with the code, fails the check that every test here makes."""
    exchange = Provider.exchange

    def leaky(self: Provider, code: str, **options: Any) -> Any:
        logging.getLogger("flask_altdentifier").debug("exchanging %s", code)
        return exchange(self, code, **options)

    monkeypatch.setattr(Provider, "exchange", leaky)
    journey.log_in()
    with pytest.raises(AssertionError):
        journey.check()
    journey.watch.records.clear()
