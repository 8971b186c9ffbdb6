"""The grant is an immutable value that hides its tokens."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from flask_altdentifier.grant import Grant

EXPIRES_AT = datetime(2100, 1, 1, tzinfo=timezone.utc)


def make_grant(**values: Any) -> Grant:
    """Return a grant that differs in *values*."""
    defaults: dict[str, Any] = {
        "access_token": "secret-access",
        "refresh_token": "secret-refresh",
        "scope": frozenset({"read:user"}),
        "requested_scope": frozenset({"read:user", "write:integrations"}),
        "expires_at": EXPIRES_AT,
    }
    return Grant(**defaults | values)


@pytest.mark.parametrize("show", [repr, str, vars, dataclasses.asdict, dataclasses.astuple])
def test_tokens_are_hidden(show: Any) -> None:
    shown = str(show(make_grant()))
    assert "secret" not in shown
    assert "read:user" in shown


def test_grant_inside_another_dataclass_hides_its_tokens() -> None:
    @dataclasses.dataclass
    class Visit:
        grants: list[Grant]

    assert "secret" not in str(dataclasses.asdict(Visit([make_grant()])))


def test_grant_cannot_be_pickled() -> None:
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(make_grant())


def test_copies_are_the_grant_itself() -> None:
    grant = make_grant()
    assert copy.copy(grant) is grant
    assert copy.deepcopy([grant])[0] is grant


@pytest.mark.parametrize("name", ["access_token", "_access_token", "scope", "expires_at", "new"])
def test_grant_is_frozen(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(make_grant(), name, "x")


@pytest.mark.parametrize(
    "values",
    [
        {"access_token": "other"},
        {"refresh_token": None},
        {"scope": frozenset()},
        {"requested_scope": frozenset()},
        {"expires_at": EXPIRES_AT + timedelta(seconds=1)},
    ],
)
def test_grants_are_equal_if_all_values_are(values: dict[str, Any]) -> None:
    assert make_grant() == make_grant()
    assert hash(make_grant()) == hash(make_grant())
    assert make_grant(**values) != make_grant()
    assert hash(make_grant(**values)) != hash(make_grant())
    assert make_grant() != "grant"


def test_grant_covers_only_its_scopes() -> None:
    grant = make_grant()
    assert grant.covers()
    assert grant.covers("read:user")
    assert not grant.covers("read:user", "write:integrations")


def test_expired_grant_is_falsy() -> None:
    expired = make_grant(expires_at=datetime.now(timezone.utc) - timedelta(seconds=1))
    assert expired.expired
    assert not expired
    assert not make_grant().expired
    assert make_grant()


def test_lifetime_can_be_limited() -> None:
    grant = make_grant()
    assert grant.limited_to(None) is grant
    assert grant.limited_to(10**10) == grant
    limited = grant.limited_to(60)
    assert timedelta(seconds=55) < limited.expires_at - datetime.now(timezone.utc)
    assert limited.expires_at - datetime.now(timezone.utc) <= timedelta(seconds=60)
    assert (limited.access_token, limited.refresh_token) == ("secret-access", "secret-refresh")


@pytest.mark.parametrize("refresh_token", ["secret-refresh", None])
def test_record_round_trip(refresh_token: str | None) -> None:
    grant = make_grant(refresh_token=refresh_token)
    assert Grant.from_record(json.loads(json.dumps(grant.to_record()))) == grant


@pytest.mark.parametrize(
    "values",
    [
        {"access_token": None},
        {"refresh_token": 7},
        {"scope": None},
        {"scope": [7]},
        {"requested_scope": "read:user"},
        {"expires_at": "soon"},
        {"expires_at": 1e300},
        {"expires_at": float("nan")},
    ],
)
def test_damaged_record_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not a grant"):
        Grant.from_record(make_grant().to_record() | values)
    with pytest.raises(ValueError, match="not a grant"):
        Grant.from_record({})
