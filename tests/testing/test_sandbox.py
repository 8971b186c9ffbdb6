"""`Sandbox`: which apps it serves, and what its user and AltDentifier do."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_altdentifier import api, current_grant, errors
from flask_altdentifier.sandbox import Failure
from flask_altdentifier.testing import Sandbox

from ..support import FakeAltDentifier, altdentifier, bare_app, make_app, reason, state_of
from .conftest import make_user_app

ADA = "100000000000000001"


def test_several_apps(altdentifier_sandbox: Sandbox) -> None:
    for app in (make_user_app(), make_user_app(ALTDENTIFIER_CLIENT_SECRET="other"), make_app()):
        client = app.test_client()
        altdentifier_sandbox.log_in(client)
        assert client.get("/me").json == ["read:user"]
    assert len(altdentifier_sandbox.state.tokens) == 3


def test_apps_without_a_login_are_served(app: Flask) -> None:
    # pytest-flask pushes a context before the fixtures of the test.
    with app.test_request_context(), Sandbox():
        assert api.trust_factor(ADA) is not None
        with bare_app().app_context(), make_user_app().app_context():
            assert api.trust_factor(ADA) is not None


def test_close_restores_the_transport(app: Flask) -> None:
    with Sandbox(app) as outer:
        outer.log_in(app.test_client())
        with Sandbox(app) as inner:
            outer.log_in(app.test_client())  # the innermost sandbox serves the app
            assert len(inner.state.tokens) == 1
        outer.log_in(app.test_client())
        assert len(outer.state.tokens) == 2
    assert not {"transport", "oauth"} & {*vars(state_of(app))}
    faked = make_app()
    with Sandbox() as sandbox:
        sandbox.log_in(faked.test_client())
    assert isinstance(altdentifier(faked), FakeAltDentifier)


def test_innermost_sandbox_of_every_app_serves_the_app(app: Flask) -> None:
    for outer in (Sandbox(app), Sandbox()):
        with outer, Sandbox() as inner:
            inner.deny()
            outer.log_in(app.test_client(), expect="access_denied")
            inner.log_in(app.test_client(), expect="access_denied")


def test_sandbox_of_one_app_serves_others_only_if_they_log_in(app: Flask) -> None:
    other = make_user_app()
    with Sandbox(app) as sandbox:
        other.test_client().get("/")
        assert "transport" not in vars(state_of(other))
        sandbox.log_in(other.test_client())
    assert "transport" not in vars(state_of(other))


def test_sandbox_of_an_app_without_the_blueprint_serves_no_app(app: Flask) -> None:
    # The traceback keeps the half-made sandbox alive.
    with pytest.raises(errors.ConfigError, match="register_blueprint") as caught:
        Sandbox(app, bare_app())
    assert caught.tb is not None
    assert "transport" not in vars(state_of(app))


def test_declined_scope(client: FlaskClient, altdentifier_sandbox: Sandbox) -> None:
    both = ["read:user", "write:integrations"]
    altdentifier_sandbox.decline("write:integrations")
    altdentifier_sandbox.log_in(client, both)
    assert reason(client.get("/servers")) == "insufficient_scope"
    altdentifier_sandbox.allow()
    altdentifier_sandbox.log_in(client, both)
    assert client.get("/servers").status_code == 200


def test_expire(client: FlaskClient, altdentifier_sandbox: Sandbox) -> None:
    for _ in range(2):
        with pytest.raises(LookupError):
            altdentifier_sandbox.expire(client)
        altdentifier_sandbox.log_in(client)
        assert client.get("/me").status_code == 200
        altdentifier_sandbox.expire(client)
        assert reason(client.get("/me")) == "login_required"


def test_lifetime(app: Flask, altdentifier_sandbox: Sandbox) -> None:
    assert altdentifier_sandbox.expires_in == 604_800
    altdentifier_sandbox.expires_in = 60
    with app.test_client() as client:
        altdentifier_sandbox.log_in(client)
        client.get("/me")
        assert 50 < current_grant.expires_at.timestamp() - time.time() <= 60


def test_api_calls(app: Flask, client: FlaskClient, altdentifier_sandbox: Sandbox) -> None:
    url = f"/api/v2/user/{ADA}/trustfactor"
    app.add_url_rule("/trust", "trust", lambda: api.get(url).json())
    altdentifier_sandbox.log_in(client)
    assert client.get("/trust").get_json()["trustfactor"] == 3
    altdentifier_sandbox.failure = Failure.SLOW
    assert reason(client.get("/trust")) == "provider_timeout"
    altdentifier_sandbox.failure = Failure.NONE
    altdentifier_sandbox.revoke()
    assert reason(client.get("/trust")) == "login_required"
