"""The grant: the scopes that a user allowed, the tokens, and when they expire."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn


class _Tokens:
    """Keeps both tokens in slots, because `vars`, `dataclasses.asdict` and `repr` skip slots."""

    __slots__ = ("_access_token", "_refresh_token")

    _access_token: str
    _refresh_token: str | None


@dataclass(frozen=True, init=False, eq=False)
class Grant(_Tokens):
    """The scopes that the user allowed, and the tokens of AltDentifier's token response.

    A grant is immutable, and falsy once it has expired. `repr`, `vars` and `dataclasses.asdict`
    show neither token. Pickling raises `TypeError`, because a pickle would contain both tokens
    and usually ends up in a cache or a queue.

    Args:
        access_token: The bearer token (RFC 6750).
        refresh_token: The refresh token, or None. AltDentifier documents no way to use it.
        scope: The scopes that the user granted.
        requested_scope: The scopes that were requested.
        expires_at: When the grant expires, as an aware UTC `datetime`.

    Example::

        if current_grant.covers("write:integrations"):
            headers = {"Authorization": f"Bearer {current_grant.access_token}"}
    """

    #: The scopes that the user granted.
    scope: frozenset[str]
    #: The scopes that were requested. The user declined those that are missing in `scope`.
    requested_scope: frozenset[str]
    #: When the grant expires (UTC): with its token, or earlier by `ALTDENTIFIER_GRANT_LIFETIME`.
    expires_at: datetime

    def __init__(
        self,
        access_token: str,
        refresh_token: str | None,
        scope: frozenset[str],
        requested_scope: frozenset[str],
        expires_at: datetime,
    ) -> None:
        values = {
            "_access_token": access_token,
            "_refresh_token": refresh_token,
            "scope": scope,
            "requested_scope": requested_scope,
            "expires_at": expires_at,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)  # the class is frozen

    @property
    def access_token(self) -> str:
        """The bearer token (RFC 6750)."""
        return self._access_token

    @property
    def refresh_token(self) -> str | None:
        """The refresh token, or None."""
        return self._refresh_token

    def covers(self, *scopes: str) -> bool:
        """Return whether the user granted every one of *scopes*.

        Example::

            grant.covers("read:user", "write:integrations")
        """
        return self.scope.issuperset(scopes)

    @property
    def expired(self) -> bool:
        """Whether `expires_at` has passed."""
        return self.expires_at.timestamp() <= time.time()

    def __bool__(self) -> bool:
        return not self.expired

    def limited_to(self, seconds: float | None) -> Grant:
        """Return this grant, expiring at most *seconds* from now.

        Args:
            seconds: The longest remaining lifetime, or None for no limit.

        Returns:
            A new grant, or this one if it already expires early enough.

        Example::

            grant.limited_to(3600)
        """
        if seconds is None:
            return self
        limit = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        return Grant(
            self._access_token,
            self._refresh_token,
            self.scope,
            self.requested_scope,
            min(self.expires_at, limit),
        )

    def _values(self) -> tuple[str, str | None, frozenset[str], frozenset[str], datetime]:
        return (
            self._access_token,
            self._refresh_token,
            self.scope,
            self.requested_scope,
            self.expires_at,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grant) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __copy__(self) -> Grant:
        return self

    def __deepcopy__(self, memo: object) -> Grant:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Grant cannot be pickled, because the pickle would contain its tokens")

    def to_record(self) -> dict[str, Any]:
        """Return this grant as JSON values, with both tokens, for the store.

        Example::

            json.dumps(grant.to_record())
        """
        return {
            "access_token": self._access_token,
            "refresh_token": self._refresh_token,
            "scope": sorted(self.scope),
            "requested_scope": sorted(self.requested_scope),
            "expires_at": self.expires_at.timestamp(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Grant:
        """Return the grant that `to_record` turned into *record*.

        Raises:
            ValueError: A value of *record* is missing or has another type. The message quotes
                nothing.

        Example::

            Grant.from_record(json.loads(text))
        """
        try:
            return cls(
                _text(record["access_token"]),
                None if record["refresh_token"] is None else _text(record["refresh_token"]),
                _scopes(record["scope"]),
                _scopes(record["requested_scope"]),
                datetime.fromtimestamp(record["expires_at"], timezone.utc),
            )
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            raise ValueError("the record is not a grant") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _scopes(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise TypeError
    return frozenset(map(_text, value))
