from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_altdentifier.sandbox import Failure, sandbox_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

ADA = "100000000000000001"


@pytest.fixture
def look_up(
    log_in: Callable[..., TestResponse], visitor: FlaskClient
) -> Callable[[str], TestResponse]:
    """A function with which somebody who is logged in looks an account up."""
    log_in()
    return lambda user_id: visitor.get("/trust", query_string={"user_id": user_id})


def test_logged_out(visitor: FlaskClient) -> None:
    """Who is not logged in is sent to log in, and comes back with the id."""
    answer = visitor.get(f"/trust?user_id={ADA}")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login?next=/trust?user_id%3D{ADA}"


@pytest.mark.parametrize("user_id", ["", "  "])
def test_nothing_asked_yet(look_up: Callable[[str], TestResponse], user_id: str) -> None:
    """Without an id there is the form alone."""
    answer = look_up(user_id)
    assert answer.status_code == 200
    assert "The answer will stand here." in answer.text


@pytest.mark.parametrize(
    ("user_id", "words", "level"),
    [
        (ADA, "Very Trusted", 3),
        (f" {ADA} ", "Very Trusted", 3),
        ("1000000000000000003", "Very Distrusted", 0),
    ],
)
def test_known(
    look_up: Callable[[str], TestResponse], user_id: str, words: str, level: int
) -> None:
    """A known account has its factor, in words and as a number."""
    answer = look_up(user_id)
    assert answer.status_code == 200
    assert f"<strong>{words}</strong> Trust factor {level} of 3" in answer.text
    assert f'value="{user_id.strip()}"' in answer.text


def test_unknown(look_up: Callable[[str], TestResponse]) -> None:
    """An account that AltDentifier does not know is told as such."""
    answer = look_up("42")
    assert answer.status_code == 404
    assert "AltDentifier does not know this account." in answer.text


@pytest.mark.parametrize("user_id", ["ada", "1" * 21, "../../token", '"><b>', "1 2", "\u0661"])
def test_no_id(look_up: Callable[[str], TestResponse], user_id: str) -> None:
    """What is no id is told beside the form, and never sent."""
    answer = look_up(user_id)
    assert answer.status_code == 400
    assert "That is no Discord id." in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("kind", "status", "retry_after", "words"),
    [
        (Failure.RATE_LIMITED, 503, "30", "AltDentifier is busy."),
        (Failure.UNAVAILABLE, 503, "60", "AltDentifier is busy."),
        (Failure.SERVER_ERROR, 502, None, "AltDentifier has a problem."),
        (Failure.GARBAGE, 502, None, "AltDentifier has a problem."),
    ],
)
def test_failure(
    look_up: Callable[[str], TestResponse],
    failure: Callable[[Failure], None],
    kind: Failure,
    status: int,
    retry_after: str | None,
    words: str,
) -> None:
    """A failure that passes is told beside the form, with the id in it to try again."""
    failure(kind)
    answer = look_up(ADA)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == retry_after
    assert words in answer.text
    assert f'value="{ADA}"' in answer.text
    assert ("seconds" in answer.text) == (retry_after is not None)


def test_busy_without_a_time(
    look_up: Callable[[str], TestResponse],
    failure: Callable[[Failure], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where AltDentifier does not say how long, the page does not either."""
    monkeypatch.setattr("flask_altdentifier.sandbox.failures._RETRY_AFTER", {})
    failure(Failure.RATE_LIMITED)
    answer = look_up(ADA)
    assert "Retry-After" not in answer.headers
    assert "seconds" not in answer.text


def test_slow(
    site: Flask,
    altdentifier: tuple[str, Flask],
    look_up: Callable[[str], TestResponse],
    failure: Callable[[Failure], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who waits too long is told so."""
    monkeypatch.setattr(site.extensions["altdentifier"].transport, "timeout", 0.1)
    monkeypatch.setattr(sandbox_state(altdentifier[1]), "slow_seconds", 0.3)
    failure(Failure.SLOW)
    answer = look_up(ADA)
    assert answer.status_code == 504
    assert "AltDentifier took too long." in answer.text


def test_token_that_ended(
    look_up: Callable[[str], TestResponse], failure: Callable[[Failure], None]
) -> None:
    """Where AltDentifier no longer takes the token, a page leads to a new login and back."""
    failure(Failure.UNAUTHORIZED)
    answer = look_up(ADA)
    assert answer.status_code == 401
    assert "Please log in" in answer.text
    assert f"/login?next=/trust?user_id%3D{ADA}" in answer.text
    failure(Failure.NONE)
    assert look_up(ADA).status_code == 302
