"""`altdentifier_login`: a login through the real routes that must end as the test expects."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Blueprint, Flask, abort, redirect
from flask.testing import FlaskClient
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_altdentifier import authorize_redirect, blueprint, errors, requires_scope, signals
from flask_altdentifier.sandbox import Failure
from flask_altdentifier.stores import MemoryStore
from flask_altdentifier.testing import LogIn, Sandbox, UnexpectedLoginResult

from ..support import bare_app, cookies_of, query_of, reason
from .conftest import make_user_app

BOTH = "read:user write:integrations"


def test_login_is_a_real_one(client: FlaskClient, altdentifier_login: LogIn) -> None:
    client.get("/cart/apples")
    before = cookies_of(client)["session"]
    response = altdentifier_login(client)
    assert (response.status_code, response.location) == (303, "/")
    assert client.get("/me").json == ["read:user"]
    assert cookies_of(client)["session"] != before
    assert client.get("/cart").text == "apples"
    client.post("/logout")
    assert reason(client.get("/me")) == "login_required"


def test_scope_replaces_the_configured_one_for_one_login(altdentifier_login: LogIn) -> None:
    client = make_user_app(ALTDENTIFIER_SCOPE=BOTH).test_client()
    altdentifier_login(client)
    assert client.get("/me").json == ["read:user"]
    assert altdentifier_login(client, BOTH.split(), next="/servers?a").location == "/servers?a"
    assert client.get("/me").json == BOTH.split()
    for invalid in ({"scope": 'a"b'}, {"expect": "no_such_reason"}):
        with pytest.raises(ValueError, match="is not a"):
            altdentifier_login(client, **invalid)
    assert query_of(client.get("/login").location)["scope"] == BOTH


# With AUTHORIZE_ERROR the browser is never sent back, so the app has no error to name.
@pytest.mark.parametrize("failure", sorted({*Failure} - {Failure.AUTHORIZE_ERROR}, key=str))
def test_each_failure(
    client: FlaskClient,
    altdentifier_login: LogIn,
    altdentifier_sandbox: Sandbox,
    failure: Failure,
) -> None:
    altdentifier_sandbox.failure = failure
    response = altdentifier_login(client, expect=failure.reason or None)
    assert (response.status_code == 303) is (altdentifier_sandbox.failure is Failure.NONE)


@pytest.mark.parametrize(
    ("failure", "options", "reason", "message"),
    [
        (Failure.NONE, {"expect": "access_denied"}, None, "succeeded.* 'access_denied'"),
        (Failure.NONE, {"scope": "read:all"}, "authorization_request_rejected", "write:integ"),
        (Failure.AUTHORIZE_ERROR, {}, None, "500: Internal Server Error.*Failure.NONE"),
        (Failure.GARBAGE, {}, "provider_error", 'status 200.*expect="provider_.*Failure.NONE'),
        (Failure.SLOW, {"expect": "access_denied"}, "provider_timeout", "expected 'access_denied'"),
    ],
)
def test_unexpected_result_says_what_to_do(
    client: FlaskClient,
    altdentifier_sandbox: Sandbox,
    failure: Failure,
    options: dict[str, str],
    reason: str | None,
    message: str,
) -> None:
    altdentifier_sandbox.failure = failure
    with pytest.raises(UnexpectedLoginResult, match=message) as caught:
        altdentifier_sandbox.log_in(client, **options)
    assert caught.value.reason == reason
    assert caught.value.response.request.path in {"/callback", "/oauth2/authorize"}


def test_lost_cookies(app: Flask, altdentifier_login: LogIn) -> None:
    with pytest.raises(UnexpectedLoginResult, match="base_url") as caught:
        altdentifier_login(app.test_client(use_cookies=False))
    assert caught.value.reason == "invalid_state"


def test_login_that_does_not_start(
    client: FlaskClient, altdentifier_login: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(MemoryStore, "set")
    with pytest.raises(UnexpectedLoginResult, match="memory://"):
        altdentifier_login(client)
    assert altdentifier_login(client, expect="store_unavailable").status_code == 503


def test_error_handlers_do_not_hide_a_failure(
    app: Flask, client: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    app.register_error_handler(errors.AltDentifierError, lambda error: redirect("/", 303))
    altdentifier_sandbox.deny()
    with pytest.raises(UnexpectedLoginResult, match=r"allow\(\)"):
        altdentifier_login(client)
    assert altdentifier_login(client, expect="access_denied").location == "/"


def test_receiver_that_aborts_the_login(
    app: Flask, client: FlaskClient, altdentifier_login: LogIn
) -> None:
    refuse = signals.logged_in.connected_to(lambda *_, **__: abort(418), sender=app)
    with refuse, pytest.raises(UnexpectedLoginResult, match="/callback answered 418"):
        altdentifier_login(client)


def test_hook_that_answers_instead(
    app: Flask, client: FlaskClient, altdentifier_login: LogIn
) -> None:
    app.before_request(lambda: app.json.response(["not a problem"]))
    with pytest.raises(UnexpectedLoginResult, match="/login answered 200"):
        altdentifier_login(client)


def test_login_that_a_view_starts(
    app: Flask, client: FlaskClient, altdentifier_sandbox: Sandbox
) -> None:
    app.add_url_rule(
        "/add", "add", lambda: authorize_redirect("write:integrations", guild_id=42, next="/x")
    )
    assert altdentifier_sandbox.finish(client, client.get("/add")).location == "/x"
    assert [i.guild.id for i in altdentifier_sandbox.state.installations] == ["42"]
    altdentifier_sandbox.deny()
    altdentifier_sandbox.finish(client, client.get("/add"), expect="access_denied")


HTTPS: dict[str, Any] = {"base_url": "https://localhost"}


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({"ALTDENTIFIER_REDIRECT_URI": "https://shop.example/auth/callback"}, {}),
        ({"ALTDENTIFIER_BASE_URL": "http://127.0.0.1:8400", "ALTDENTIFIER_PKCE": True}, {}),
        ({"ALTDENTIFIER_TOKEN_AUTH_METHOD": "client_secret_basic"}, {}),
        ({"APPLICATION_ROOT": "/shop", "PREFERRED_URL_SCHEME": "https"}, {}),
        ({"SERVER_NAME": "shop.example:8000", "SESSION_COOKIE_DOMAIN": "shop.example"}, {}),
        ({"ALTDENTIFIER_SCOPE": "write:integrations", "SESSION_COOKIE_SECURE": True}, HTTPS),
        ({}, {"base_url": "http://localhost/forum"}),
        ({}, {"headers": {"X-Forwarded-Proto": "https"}}),
    ],
)
def test_login_works_with_any_config(
    config: dict[str, Any], options: dict[str, Any], altdentifier_sandbox: Sandbox
) -> None:
    app = make_user_app(**config)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    client = app.test_client()
    altdentifier_sandbox.log_in(client, **options)
    assert client.get("/me", **options).json == ["read:user"]
    altdentifier_sandbox.expire(client, **options)
    assert client.get("/me", **options).status_code == 401


@pytest.mark.parametrize("options", [{"url_prefix": "/auth"}, {"name": "other"}, {}])
def test_login_works_wherever_the_blueprint_is_registered(
    options: dict[str, Any], altdentifier_login: LogIn
) -> None:
    app, outer = bare_app(), Blueprint("outer", __name__, url_prefix="/outer")
    (app if options else outer).register_blueprint(blueprint, **options)
    app.register_blueprint(outer)
    app.add_url_rule("/me", "me", requires_scope()(lambda: "me"))
    client = app.test_client()
    altdentifier_login(client)
    assert client.get("/me").text == "me"
