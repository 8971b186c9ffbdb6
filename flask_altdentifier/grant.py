"""What a login gave: the access token, its scope and its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any


@dataclass(frozen=True)
class Grant:
    """What AltDentifier granted to one browser, as the token response told it.

    False once it has expired. Both tokens are hidden in the `repr`.
    """

    #: The bearer token (RFC 6750).
    access_token: str = field(repr=False)
    #: The refresh token, if one came. AltDentifier does not document a way to use it.
    refresh_token: str | None = field(repr=False)
    #: The scopes that the user granted.
    scope: frozenset[str]
    #: The scopes that the user was asked for; what is missing in `scope` was declined.
    requested_scope: frozenset[str]
    #: When the access token ends (UTC).
    expires_at: datetime

    def covers(self, *scopes: str) -> bool:
        """Tell whether each of *scopes* was granted."""
        return self.scope.issuperset(scopes)

    @property
    def expired(self) -> bool:
        """Whether the access token has ended."""
        return self.expires_at.timestamp() <= time.time()

    def __bool__(self) -> bool:
        return not self.expired

    def to_record(self) -> dict[str, Any]:
        """Return this grant as JSON values, for the store."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "scope": sorted(self.scope),
            "requested_scope": sorted(self.requested_scope),
            "expires_at": self.expires_at.timestamp(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Grant:
        """Return the grant that `to_record` wrote."""
        return cls(
            access_token=record["access_token"],
            refresh_token=record["refresh_token"],
            scope=frozenset(record["scope"]),
            requested_scope=frozenset(record["requested_scope"]),
            expires_at=datetime.fromtimestamp(record["expires_at"], timezone.utc),
        )
