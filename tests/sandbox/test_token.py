from __future__ import annotations

import base64
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from flask_altdentifier.sandbox import create_app, sandbox_state
from flask_altdentifier.sandbox.state import code_hash

from .flow import REDIRECT_URI, allow, code_of, exchange

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State

VERIFIER = "v" * 43
CHALLENGE = create_s256_code_challenge(VERIFIER)  # type: ignore[no-untyped-call]
CANNOT_GRANT = {"error": "Cannot grant token"}
WRONG_CLIENT = {"error": "Provided client credentials are incorrect"}


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    """Return the Authorization header with these credentials as they are."""
    pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def test_token(visitor: FlaskClient, state: State) -> None:
    """The answer has the five documented members, and the token can be looked up later."""
    response = exchange(visitor, code_of(allow(visitor)))
    body = response.get_json()
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 604800,
        "refresh_token": body["refresh_token"],
        "scope": "read:user",
    }
    token = state.token(body["access_token"])
    assert token is not None
    assert (token.client_id, token.scope) == ("sandbox", "read:user")
    assert (
        timedelta(0)
        <= datetime.now(timezone.utc) + timedelta(seconds=604800) - token.expires_at
        < timedelta(minutes=1)
    )


def test_unknown_and_expired_tokens(visitor: FlaskClient, state: State) -> None:
    """A token that was never issued, or whose week is over, is not found."""
    body = exchange(visitor, code_of(allow(visitor))).get_json()
    assert state.token("another") is None
    live = state.tokens[body["access_token"]]
    object.__setattr__(live, "expires_at", datetime.now(timezone.utc))
    assert state.token(body["access_token"]) is None


def test_code_is_good_once(visitor: FlaskClient) -> None:
    """A used code is refused."""
    code = code_of(allow(visitor))
    assert exchange(visitor, code).status_code == 200
    again = exchange(visitor, code)
    assert (again.status_code, again.get_json()) == (400, CANNOT_GRANT)


def test_code_is_good_once_in_a_race(
    sandbox: Flask, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of eight requests that have all found the code, one gets a token."""
    code = code_of(allow(sandbox.test_client()))
    all_found = threading.Barrier(8)
    find = state.code

    def find_together(value: str, client_id: str) -> Any:
        found = find(value, client_id)
        all_found.wait(timeout=10)
        return found

    monkeypatch.setattr(state, "code", find_together)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: exchange(sandbox.test_client(), code), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [400]
    assert len(state.tokens) == 1


def test_code_expires(visitor: FlaskClient, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is good for ten minutes and then forgotten."""
    code = code_of(allow(visitor))
    start = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 601)
    assert exchange(visitor, code).get_json() == CANNOT_GRANT
    fresh = code_of(allow(visitor))
    assert set(state.codes) == {fresh}
    monkeypatch.setattr(time, "monotonic", lambda: start + 601 + 599)
    assert exchange(visitor, fresh).status_code == 200


def test_code_of_another_client() -> None:
    """A code is worth nothing to another client, and is not used up by it."""
    app = create_app({"sandbox": "sandbox-secret", "other": "other-secret"})
    visitor = app.test_client()
    code = code_of(allow(visitor))
    stolen = exchange(visitor, code, client_id="other", client_secret="other-secret")
    assert (stolen.status_code, stolen.get_json()) == (400, CANNOT_GRANT)
    assert exchange(visitor, code).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "made-up"},
        {"code": ""},
        {"code": None},
        {"redirect_uri": f"{REDIRECT_URI}/"},
        {"redirect_uri": None},
        {"grant_type": "refresh_token"},
        {"grant_type": 'ä"'},
        {"grant_type": None},
        {"code_verifier": "v" * 43},
    ],
)
def test_cannot_grant(visitor: FlaskClient, changes: dict[str, str | None]) -> None:
    """Whatever is wrong with the rest of the request is a 400 with the documented body."""
    code = code_of(allow(visitor))
    response = exchange(visitor, changes.pop("code", code), **changes)
    assert (response.status_code, response.get_json()) == (400, CANNOT_GRANT)
    assert response.headers["Cache-Control"] == "no-store"
    assert exchange(visitor, code).status_code == 200


def test_repeated_parameter(visitor: FlaskClient) -> None:
    """A parameter that comes twice is a 400 (RFC 6749 section 3.2)."""
    form = {
        "grant_type": "authorization_code",
        "code": [code_of(allow(visitor)), "another"],
        "redirect_uri": REDIRECT_URI,
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
    }
    assert visitor.post("/oauth2/token", data=form).get_json() == CANNOT_GRANT


def test_parameters_in_the_uri(visitor: FlaskClient) -> None:
    """Parameters in the URI are a 400 (RFC 6749 section 2.3.1)."""
    form = {
        "code": code_of(allow(visitor)),
        "redirect_uri": REDIRECT_URI,
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
    }
    response = visitor.post("/oauth2/token?grant_type=authorization_code", data=form)
    assert response.get_json() == CANNOT_GRANT


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "wrong"},
        {"client_secret": "wröng"},
        {"client_secret": ""},
        {"client_secret": None},
        {"client_id": "nobody"},
        {"client_id": None},
    ],
)
def test_wrong_client(visitor: FlaskClient, changes: dict[str, str | None]) -> None:
    """Wrong, missing and unknown credentials are a 401 with the documented body."""
    code = code_of(allow(visitor))
    response = exchange(visitor, code, **changes)
    assert (response.status_code, response.get_json()) == (401, WRONG_CLIENT)
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert exchange(visitor, code).status_code == 200


@pytest.mark.parametrize("client_secret", ["plain", "s%65cret", "a+b c", "per%cent", "ä:ö"])
@pytest.mark.parametrize("encode", [quote_plus, str])
def test_basic(client_secret: str, encode: Any) -> None:
    """Basic credentials are taken form-encoded (RFC 6749 section 2.3.1) and as they are."""
    app = create_app({"my app": client_secret})
    visitor = app.test_client()
    form = {
        "grant_type": "authorization_code",
        "code": code_of(allow(visitor, client_id="my app")),
        "redirect_uri": REDIRECT_URI,
    }
    headers = basic(encode("my app"), encode(client_secret))
    response = visitor.post("/oauth2/token", data=form, headers=headers)
    assert response.status_code == 200
    assert [r.client_id for r in sandbox_state(app).token_requests] == ["my app"]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer c2FuZGJveDpzYW5kYm94LXNlY3JldA==",
        "Basic",
        "Basic %%%",
        "Basic \xe4",
        "Basic /w==",
        basic("sandbox", "sandbox-secret")["Authorization"].replace("c2F", "c2!F"),
        "Basic c2FuZGJveA==",
        basic("sandbox", "wrong")["Authorization"],
        basic("nobody", "sandbox-secret")["Authorization"],
    ],
)
def test_wrong_basic(visitor: FlaskClient, header: str) -> None:
    """An Authorization header that holds no right credentials is a 401."""
    form = {
        "grant_type": "authorization_code",
        "code": code_of(allow(visitor)),
        "redirect_uri": REDIRECT_URI,
    }
    response = visitor.post("/oauth2/token", data=form, headers={"Authorization": header})
    assert (response.status_code, response.get_json()) == (401, WRONG_CLIENT)


def test_get(visitor: FlaskClient) -> None:
    """The token endpoint takes POST alone."""
    response = visitor.get("/oauth2/token")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("verifier", "status"), [(VERIFIER, 200), ("w" * 43, 400), ("short", 400), (None, 400)]
)
def test_pkce(visitor: FlaskClient, verifier: str | None, status: int) -> None:
    """Who sent a challenge has to show its verifier."""
    code = code_of(allow(visitor, code_challenge=CHALLENGE, code_challenge_method="S256"))
    assert exchange(visitor, code, code_verifier=verifier).status_code == status


def test_requests_are_counted(visitor: FlaskClient, state: State) -> None:
    """Each token request is noted with its client, the hash of its code and its outcome."""
    code = code_of(allow(visitor))
    exchange(visitor, code)
    exchange(visitor, code)
    exchange(visitor, "made-up", client_id=None)
    assert [(r.client_id, r.code_hash, r.status) for r in state.token_requests] == [
        ("sandbox", code_hash(code), 200),
        ("sandbox", code_hash(code), 400),
        ("", code_hash("made-up"), 401),
    ]


def test_nothing_secret_is_told(
    visitor: FlaskClient, state: State, caplog: pytest.LogCaptureFixture
) -> None:
    """No secret, code, state or token is in a log line of any level or in a repr."""
    with caplog.at_level(logging.DEBUG):
        code = code_of(allow(visitor, code_challenge=CHALLENGE, code_challenge_method="S256"))
        told = repr(list(state.codes.values()))
        body = exchange(visitor, code, code_verifier=VERIFIER).get_json()
        exchange(visitor, code)
        visitor.post("/oauth2/token", headers=basic("sandbox", "sandbox-secret"))
    told += caplog.text + repr((state.clients, state.tokens.values(), state.token_requests))
    told = told.replace(repr(state.tokens.values()), repr(list(state.tokens.values())))
    secret = (code, "sandbox-secret", "a-state", VERIFIER, CHALLENGE)
    for value in (*secret, body["access_token"], body["refresh_token"]):
        assert value not in told
    assert "Validate token request" in told
