from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from flask_altdentifier.sandbox import Failure
from flask_altdentifier.sandbox.people import USERS

from .flow import allow, code_of, exchange

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State

ADA = "/api/v2/user/100000000000000001/trustfactor"


@pytest.fixture
def bearer(visitor: FlaskClient) -> str:
    """The access token of a login."""
    token: str = exchange(visitor, code_of(allow(visitor))).get_json()["access_token"]
    return token


def test_factors(visitor: FlaskClient) -> None:
    """The users have all factors between them, each with its words."""
    answers = [visitor.get(f"/api/v2/user/{user.id}/trustfactor") for user in USERS]
    assert {answer.mimetype for answer in answers} == {"application/json"}
    told = {
        answer.get_json()["trustfactor"]: answer.get_json()["formatted_trustfactor"]
        for answer in answers
    }
    assert told == {0: "Very Distrusted", 1: "Distrusted", 2: "Trusted", 3: "Very Trusted"}


@pytest.mark.parametrize("user_id", ["1", "ada", "0100000000000000001"])
def test_unknown_user(visitor: FlaskClient, user_id: str) -> None:
    """A user that there is not is a 404."""
    assert visitor.get(f"/api/v2/user/{user_id}/trustfactor").status_code == 404


@pytest.mark.parametrize("kind", ["Bearer", "bearer"])
def test_token(visitor: FlaskClient, bearer: str, kind: str) -> None:
    """A live token is taken."""
    answer = visitor.get(ADA, headers={"Authorization": f"{kind} {bearer}"})
    assert answer.get_json() == {"trustfactor": 3, "formatted_trustfactor": "Very Trusted"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer other", "Basic YTpi", "x y"])
def test_bad_token(visitor: FlaskClient, header: str) -> None:
    """Credentials that are no live token are a 401 (RFC 6750 section 3.1)."""
    answer = visitor.get(ADA, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer error=invalid_token"


def test_expired_token(visitor: FlaskClient, state: State, bearer: str) -> None:
    """A token whose week is over is a 401."""
    object.__setattr__(state.tokens[bearer], "expires_at", datetime.now(timezone.utc))
    assert visitor.get(ADA, headers={"Authorization": f"Bearer {bearer}"}).status_code == 401


@pytest.mark.parametrize(
    ("failure", "status", "retry_after", "kind"),
    [
        (Failure.UNAUTHORIZED, 401, None, "text/html"),
        (Failure.RATE_LIMITED, 429, "30", "text/html"),
        (Failure.SERVER_ERROR, 500, None, "text/html"),
        (Failure.UNAVAILABLE, 503, "60", "text/html"),
        (Failure.GARBAGE, 200, None, "text/html"),
        (Failure.BAD_REQUEST, 200, None, "application/json"),
        (Failure.AUTHORIZE_ERROR, 200, None, "application/json"),
    ],
)
def test_failure(
    visitor: FlaskClient,
    state: State,
    failure: Failure,
    status: int,
    retry_after: str | None,
    kind: str,
) -> None:
    """The switch for failures is for the API too, but for those of a code and of a page."""
    state.failure = failure
    answer = visitor.get(ADA)
    assert (answer.status_code, answer.mimetype) == (status, kind)
    assert answer.headers.get("Retry-After") == retry_after


def test_slow(visitor: FlaskClient, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer is then as usual."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    state.failure = Failure.SLOW
    assert visitor.get(ADA).get_json()["trustfactor"] == 3
    assert slept == [15.0]
