from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from flask_altdentifier.sandbox import Failure, create_app, sandbox_state
from flask_altdentifier.sandbox.state import code_hash

from .flow import allow, code_of, exchange

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from flask_altdentifier.sandbox import State

CANNOT_GRANT = {"error": "Cannot grant token"}
WRONG_CLIENT = {"error": "Provided client credentials are incorrect"}


@pytest.fixture
def first(visitor: FlaskClient, state: State) -> dict[str, Any]:
    """The token of a login at a sandbox that takes refresh tokens."""
    state.refresh = True
    body: dict[str, Any] = exchange(visitor, code_of(allow(visitor))).get_json()
    return body


def refresh(visitor: FlaskClient, refresh_token: str | None, **changes: str | None) -> TestResponse:
    """Send a refresh request, with the secret in the form."""
    parameters = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
    }
    sent = {k: v for k, v in {**parameters, **changes}.items() if v is not None}
    return visitor.post("/oauth2/token", data=sent)


def test_off(visitor: FlaskClient, state: State) -> None:
    """It is off until it is switched on, as AltDentifier does not document it."""
    body = exchange(visitor, code_of(allow(visitor))).get_json()
    answer = refresh(visitor, body["refresh_token"])
    assert (answer.status_code, answer.get_json()) == (400, CANNOT_GRANT)
    state.refresh = True
    assert refresh(visitor, body["refresh_token"]).status_code == 200


def test_refresh(visitor: FlaskClient, state: State, first: dict[str, Any]) -> None:
    """A refresh token yields new tokens of the same scope and user; the old token stays good."""
    answer = refresh(visitor, first["refresh_token"])
    body = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert body == {
        **first,
        "access_token": body["access_token"],
        "refresh_token": body["refresh_token"],
    }
    old, new = state.token(first["access_token"]), state.token(body["access_token"])
    assert old is not None
    assert new is not None
    assert old.access_token != new.access_token
    assert (old.user, old.scope, old.client_id) == (new.user, new.scope, new.client_id)


def test_rotation(visitor: FlaskClient, first: dict[str, Any]) -> None:
    """A refresh token is good once; the next one goes on."""
    second = refresh(visitor, first["refresh_token"]).get_json()
    assert refresh(visitor, first["refresh_token"]).get_json() == CANNOT_GRANT
    assert refresh(visitor, second["refresh_token"]).status_code == 200


def test_race(
    sandbox: Flask, state: State, first: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of eight requests that have all found the refresh token, one gets a token."""
    all_found = threading.Barrier(8)
    renew = state.renew

    def renew_together(old: Any) -> Any:
        all_found.wait(timeout=10)
        return renew(old)

    monkeypatch.setattr(state, "renew", renew_together)
    token = first["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(sandbox.test_client(), token), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [400]


@pytest.mark.parametrize(
    ("changes", "status", "body"),
    [
        ({"refresh_token": "made-up"}, 400, CANNOT_GRANT),
        ({"refresh_token": None}, 400, CANNOT_GRANT),
        ({"scope": "read:user write:integrations"}, 400, CANNOT_GRANT),
        ({"client_secret": "wrong"}, 401, WRONG_CLIENT),
        ({"client_id": None}, 401, WRONG_CLIENT),
    ],
)
def test_refused(
    visitor: FlaskClient,
    first: dict[str, Any],
    changes: dict[str, str | None],
    status: int,
    body: dict[str, str],
) -> None:
    """A wrong request gets the documented error and does not use the refresh token up."""
    answer = refresh(visitor, **{"refresh_token": first["refresh_token"], **changes})
    assert (answer.status_code, answer.get_json()) == (status, body)
    assert refresh(visitor, first["refresh_token"]).status_code == 200


def test_of_another_client() -> None:
    """A refresh token is worth nothing to another client."""
    app = create_app({"sandbox": "sandbox-secret", "other": "other-secret"})
    sandbox_state(app).refresh = True
    visitor = app.test_client()
    token = exchange(visitor, code_of(allow(visitor))).get_json()["refresh_token"]
    stolen = refresh(visitor, token, client_id="other", client_secret="other-secret")
    assert stolen.get_json() == CANNOT_GRANT
    assert refresh(visitor, token).status_code == 200


def test_lifetime(visitor: FlaskClient, state: State, first: dict[str, Any]) -> None:
    """Tokens may be given another lifetime, down to none, and can be refreshed after it."""
    state.token_lifetime = 0
    second = refresh(visitor, first["refresh_token"]).get_json()
    assert second["expires_in"] == 0
    assert state.token(second["access_token"]) is None
    assert refresh(visitor, second["refresh_token"]).status_code == 200


def test_failure(visitor: FlaskClient, state: State, first: dict[str, Any]) -> None:
    """The switch for failures comes first."""
    state.failure = Failure.RATE_LIMITED
    assert refresh(visitor, first["refresh_token"]).status_code == 429


def test_requests_are_counted(visitor: FlaskClient, state: State, first: dict[str, Any]) -> None:
    """A refresh request can be told from an exchange, and which refresh token it sent."""
    refresh(visitor, first["refresh_token"])
    refresh(visitor, None)
    assert [(r.grant_type, r.status) for r in state.token_requests] == [
        ("authorization_code", 200),
        ("refresh_token", 200),
        ("refresh_token", 400),
    ]
    assert [r.code_hash for r in state.token_requests[1:]] == [
        code_hash(first["refresh_token"]),
        code_hash(""),
    ]


def test_nothing_secret_is_told(
    visitor: FlaskClient, state: State, first: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """No token is in a log line of any level."""
    with caplog.at_level(logging.DEBUG):
        body = refresh(visitor, first["refresh_token"]).get_json()
    for value in (first["refresh_token"], body["access_token"], body["refresh_token"]):
        assert value not in caplog.text
    assert "Validate token request" in caplog.text


def test_switch(visitor: FlaskClient, state: State) -> None:
    """The control page switches it on and off."""
    assert "Refresh tokens are refused." in visitor.get("/").text
    visitor.post("/", data={"failure": "none", "refresh": "on"})
    assert state.refresh
    page = visitor.get("/").text
    assert "Refresh tokens are taken." in page
    assert 'name="refresh" checked' in page
    visitor.post("/", data={"failure": "none"})
    assert not state.refresh
