"""Pending logins: begun in a browser and not finished yet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import cookies, sessions
from .installed import installed

#: Pending logins of one browser; the oldest goes first.
MAX_PENDING = 5


@dataclass(frozen=True)
class PendingLogin:
    """What the callback needs to know of the login that led to it."""

    #: Local path to go to when the login is done, or None.
    next: str | None
    #: The scopes that were asked for.
    scope: frozenset[str]
    redirect_uri: str
    #: PKCE's code verifier, where PKCE is used.
    verifier: str | None = field(repr=False)
    #: Seconds since 1970.
    expires_at: float

    def to_record(self) -> dict[str, Any]:
        """Return this login as JSON values, for the store."""
        return vars(self) | {"scope": sorted(self.scope)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> PendingLogin:
        """Return the login that `to_record` wrote."""
        return cls(**{**record, "scope": frozenset(record["scope"])})


def add(login: PendingLogin) -> str:
    """Keep *login* and return its state, which this browser alone can finish it with.

    The oldest logins of this browser make room. Raises `StoreUnavailable`.
    """
    store, voucher = installed().store, cookies.new_voucher()
    state = cookies.state_of(voucher)
    listed = sessions.listed_states()
    vouched = cookies.vouched_states()
    known = vouched | listed
    # A late write of the session lists used states again, so what has no cookie goes first.
    for old in sorted(known, key=lambda it: (it in vouched, known[it]))[: -(MAX_PENDING - 1)]:
        store.drop("login", old)
        cookies.unvouch(old)
        listed.pop(old, None)
    store.put("login", state, login.to_record(), login.expires_at - time.time())
    sessions.list_states(listed | {state: cookies.issued_at(voucher)})
    cookies.vouch(voucher)
    return state


def take(state: str) -> PendingLogin | None:
    """Return the login of *state* to one caller only; it is pending no more.

    None where this browser did not begin it, where it was taken, and where it has expired.
    Raises `StoreUnavailable`.
    """
    listed = sessions.listed_states()
    if state not in listed and state not in cookies.vouched_states():
        return None
    login = installed().store.take("login", state, PendingLogin.from_record)
    if login is None:
        return None
    if listed.pop(state, None) is not None:
        sessions.list_states(listed)
    cookies.unvouch(state)
    return login if login.expires_at > time.time() else None
