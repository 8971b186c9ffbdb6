"""Pending logins: started in a browser, and not finished yet."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .cookies import StateCookie
from .request_login import RequestLogin
from .session import get_session_states, set_session_states

#: Pending logins of one browser. The oldest is dropped first.
MAX_PENDING = 5
#: Pending logins that one response drops: with the new one, at most seven cookies. nginx's default
#: buffers refuse the headers that deleting thirty cookies makes.
MAX_EVICTED = 6


@dataclass(frozen=True)
class PendingLogin:
    """What the callback needs to know of the login that led to it."""

    #: Local path to go to after the login, or None.
    next: str | None
    #: The scopes that were requested.
    scope: frozenset[str]
    redirect_uri: str
    #: PKCE's code verifier (RFC 7636), or None.
    code_verifier: str | None = field(repr=False)
    #: Seconds since 1970.
    expires_at: float

    @property
    def expired(self) -> bool:
        """Whether the login took longer than `ALTDENTIFIER_LOGIN_LIFETIME`."""
        return self.expires_at <= time.time()

    def to_record(self) -> dict[str, Any]:
        """Return this login as JSON values."""
        return {**vars(self), "scope": sorted(self.scope)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> PendingLogin:
        """Return the login that `to_record` wrote."""
        return cls(**{**record, "scope": frozenset(record["scope"])})


def add_pending_login(login: RequestLogin, client_secret: str, pending: PendingLogin) -> str:
    """Keep *pending* and return its state. Only this browser can finish it.

    Raises `StoreUnavailable`.
    """
    _evict_oldest(login, client_secret)
    cookie = StateCookie.create(client_secret)
    # Twice as long as the login may take, so that a late callback still knows its page.
    lifetime = 2 * (pending.expires_at - time.time())
    login.records.set("pending", cookie.state, pending.to_record(), lifetime)
    set_session_states([*get_session_states(), cookie.state][-MAX_PENDING:])
    login.cookies.set_state_cookie(cookie, lifetime)
    return cookie.state


def _evict_oldest(login: RequestLogin, client_secret: str) -> None:
    cookies = login.cookies.get_state_cookies(client_secret)
    surplus = max(0, len(cookies) - MAX_PENDING + 1)  # with the one that is about to come
    for cookie in cookies[: min(surplus, MAX_EVICTED)]:
        login.records.delete("pending", cookie.state)
        login.cookies.delete_state_cookie(cookie.state)


def pop_pending_login(login: RequestLogin, client_secret: str, state: str) -> PendingLogin | None:
    """Remove and return the pending login of *state*, to one caller only.

    Returns None if this browser has not started it, and if it was finished or dropped. It may have
    expired. Raises `StoreUnavailable`.
    """
    if login.cookies.find_state_cookie(client_secret, state) is None:
        return None
    pending = login.records.pop("pending", state, PendingLogin.from_record)
    login.cookies.delete_state_cookie(state)
    states = get_session_states()
    if state in states:
        set_session_states([other for other in states if other != state])
    return pending
