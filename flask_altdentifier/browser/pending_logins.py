"""Pending logins, which a browser has started and not finished."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .cookies import StateCookie
from .request_login import RequestLogin
from .session import get_session_states, save_session_with, set_session_states

#: Pending logins of one browser. A new one evicts the oldest.
MAX_PENDING = 5
#: Pending logins that one response evicts, so that it sets at most eight cookies. nginx's default
#: buffers refuse a response that deletes thirty cookies.
MAX_EVICTED = 5


@dataclass(frozen=True)
class PendingLogin:
    """The values of a started login that the callback needs."""

    #: Local path to redirect to after the login, or None.
    next: str | None
    #: The scopes that were requested.
    scope: frozenset[str]
    redirect_uri: str
    #: The code verifier of PKCE (RFC 7636), or None.
    code_verifier: str | None = field(repr=False)
    #: Seconds since 1970.
    expires_at: float

    @property
    def expired(self) -> bool:
        """Whether the login has lasted longer than `ALTDENTIFIER_LOGIN_LIFETIME`."""
        return self.expires_at <= time.time()

    def to_record(self) -> dict[str, Any]:
        """Return this login as JSON values."""
        return {**vars(self), "scope": sorted(self.scope)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> PendingLogin:
        """Return the pending login that `to_record` turned into *record*."""
        return cls(**{**record, "scope": frozenset(record["scope"])})


def add_pending_login(login: RequestLogin, client_secret: str, pending: PendingLogin) -> str:
    """Store *pending*, set its state cookie, and return its OAuth state.

    Raises `StoreUnavailable`.
    """
    _evict_oldest(login, client_secret, MAX_PENDING - 1)
    cookie = StateCookie.create(client_secret)
    # Twice the lifetime of a login, so that the error page of a late callback still knows `next`.
    lifetime = 2 * (pending.expires_at - time.time())
    set_session_states([*get_session_states(), cookie.state][-MAX_PENDING:])
    save_session_with(login.records, ("pending", cookie.state, pending.to_record(), lifetime))
    login.cookies.set_state_cookie(cookie, lifetime)
    return cookie.state


def _evict_oldest(login: RequestLogin, client_secret: str, keep: int) -> list[StateCookie]:
    """Evict the oldest pending logins of this browser, and return the state cookies that count."""
    cookies = login.cookies.get_state_cookies(client_secret)
    surplus = max(0, len(cookies) - keep)
    for cookie in cookies[: min(surplus, MAX_EVICTED)]:
        login.records.delete("pending", cookie.state)
        login.cookies.delete_state_cookie(cookie.state)
    return cookies[surplus:]


def pop_pending_login(login: RequestLogin, client_secret: str, state: str) -> PendingLogin | None:
    """Atomically remove and return the pending login of the OAuth state *state*.

    Returns None if this browser has not started it, and if it was finished or evicted. The result
    may have expired. Raises `StoreUnavailable`.
    """
    cookie = login.cookies.find_state_cookie(client_secret, state)
    # Tabs that were opened at once have evicted nothing at `/login`.
    newest = _evict_oldest(login, client_secret, MAX_PENDING)
    if cookie is None or (newest and cookie.created_at < newest[0].created_at):
        return None
    pending = login.records.pop("pending", state, PendingLogin.from_record)
    login.cookies.delete_state_cookie(state)
    states = get_session_states()
    if state in states:
        set_session_states([other for other in states if other != state])
    return pending
