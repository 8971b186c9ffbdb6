"""The grant is a value."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta, timezone

import pytest

from flask_altdentifier import Grant

GRANT = Grant(
    access_token="the-access-token",
    refresh_token="the-refresh-token",
    scope=frozenset({"read:user"}),
    requested_scope=frozenset({"read:user", "write:integrations"}),
    expires_at=datetime(2100, 1, 1, tzinfo=timezone.utc),
)


def test_repr_hides_both_tokens() -> None:
    """A grant in a log or a traceback tells neither token."""
    assert "token" not in repr(GRANT)
    assert "read:user" in repr(GRANT)


def test_grant_is_frozen() -> None:
    """No view can widen its grant."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        GRANT.scope = frozenset({"write:integrations"})  # type: ignore[misc]


def test_covers() -> None:
    """A grant covers what was granted, not what was only asked for."""
    assert GRANT.covers("read:user")
    assert GRANT.covers()
    assert not GRANT.covers("read:user", "write:integrations")


def test_expired_grant_is_false() -> None:
    """A grant is true until it ends."""
    past = dataclasses.replace(GRANT, expires_at=datetime.now(timezone.utc) - timedelta(seconds=1))
    assert GRANT
    assert not GRANT.expired
    assert past.expired
    assert not past


def test_record_is_json_and_gives_the_same_grant() -> None:
    """A grant survives the store."""
    assert Grant.from_record(json.loads(json.dumps(GRANT.to_record()))) == GRANT
