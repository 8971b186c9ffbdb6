from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from flask_altdentifier.sandbox import Failure

from .flow import allow, authorize_url, code_of, exchange

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State


@pytest.mark.parametrize(
    ("failure", "status", "retry_after", "body"),
    [
        (Failure.BAD_REQUEST, 400, None, {"error": "Cannot grant token"}),
        (Failure.UNAUTHORIZED, 401, None, {"error": "Provided client credentials are incorrect"}),
        (Failure.RATE_LIMITED, 429, "30", None),
        (Failure.SERVER_ERROR, 500, None, None),
        (Failure.UNAVAILABLE, 503, "60", None),
        (Failure.GARBAGE, 200, None, None),
    ],
)
def test_failure(
    visitor: FlaskClient,
    state: State,
    failure: Failure,
    status: int,
    retry_after: str | None,
    body: dict[str, str] | None,
) -> None:
    """A failure replaces the token and leaves the code and the authorize page alone."""
    code = code_of(allow(visitor))
    state.failure = failure
    response = exchange(visitor, code)
    assert response.status_code == status
    assert response.headers.get("Retry-After") == retry_after
    assert response.headers["Cache-Control"] == "no-store"
    assert response.get_json(silent=True) == body
    assert response.mimetype == ("text/html" if body is None else "application/json")
    assert visitor.get(authorize_url()).status_code == 200
    state.failure = Failure.NONE
    assert exchange(visitor, code).status_code == 200
    assert [request.status for request in state.token_requests] == [status, 200]


def test_slow(visitor: FlaskClient, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer takes 15 seconds, or as long as was set, and is then as usual."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    state.failure = Failure.SLOW
    assert exchange(visitor, code_of(allow(visitor))).status_code == 200
    state.slow_seconds = 0.5
    assert exchange(visitor, code_of(allow(visitor))).status_code == 200
    assert slept == [15.0, 0.5]


def test_slow_request_is_noted_at_once(
    visitor: FlaskClient, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is being answered slowly is on the list already, without a status."""
    during: list[int | None] = []
    monkeypatch.setattr(time, "sleep", lambda _: during.append(state.token_requests[0].status))
    state.failure = Failure.SLOW
    exchange(visitor, code_of(allow(visitor)))
    assert during == [None]
    assert state.token_requests[0].status == 200


def test_meanings() -> None:
    """Each failure says what it does, in words of its own."""
    assert len({failure.meaning for failure in Failure}) == len(Failure)
