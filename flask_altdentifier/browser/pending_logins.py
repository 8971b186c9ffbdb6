"""Pending logins, which a browser has started and not finished."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..records import Record
from ..urls import local_path
from .cookies import StateCookie
from .request_login import RequestLogin
from .session import get_session_states, save_session_states, set_session_states

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


def add_pending_login(login: RequestLogin, pending: PendingLogin) -> str:
    """Store *pending*, set its state cookie, and return its OAuth state.

    Raises `StoreUnavailable`.
    """
    deleted = login.cookies.deleted_states
    cookies = [c for c in login.cookies.get_state_cookies() if c.state not in deleted]
    _evict(login, cookies[: -(MAX_PENDING - 1)])  # leaves room for the new one
    cookie = StateCookie.create(login.cookies.client_secret)
    # Twice the lifetime of a login, so that the error page of a late callback still knows `next`.
    lifetime = 2 * (pending.expires_at - time.time())
    record: Record = ("pending", cookie.state, pending.to_record(), lifetime)
    save_session_states([*get_session_states(), cookie.state][-MAX_PENDING:], login.records, record)
    login.cookies.set_state_cookie(cookie, lifetime)
    return cookie.state


def pop_pending_login(login: RequestLogin, oauth_state: str) -> PendingLogin | None:
    """Atomically delete and return the pending login of *oauth_state*.

    Returns None if this browser did not start it, or if it was finished or evicted. The result may
    have expired. Raises `StoreUnavailable`.
    """
    cookies = login.cookies.get_state_cookies()
    # Tabs that were opened at once did not see each other's cookies, so `/login` evicted none.
    _evict(login, cookies[:-MAX_PENDING])
    if oauth_state not in {cookie.state for cookie in cookies[-MAX_PENDING:]}:
        return None
    pending = login.records.pop("pending", oauth_state, PendingLogin.from_record)
    login.cookies.delete_state_cookie(oauth_state)
    states = get_session_states()
    if oauth_state in states:
        set_session_states([state for state in states if state != oauth_state])
    return pending


def _evict(login: RequestLogin, cookies: list[StateCookie]) -> None:
    """Delete the pending logins of *cookies*, at most `MAX_EVICTED` of them."""
    # The app's error handler for a failed callback can start a login in the same response.
    room = max(0, MAX_EVICTED - len(login.cookies.deleted_states))
    for cookie in cookies[:room]:
        login.records.delete("pending", cookie.state)
        login.cookies.delete_state_cookie(cookie.state)


def save_next(login: RequestLogin, oauth_state: str, next: str | None, ttl: float) -> None:  # noqa: A002
    """Keep the *next* of a popped login for *ttl* seconds, in case its callback arrives again.

    Raises `StoreUnavailable`.
    """
    login.records.set("return", oauth_state, next, ttl)


def find_next(login: RequestLogin, oauth_state: str) -> str | None:
    """Return what `save_next` has kept, or None if there is none or it is of another browser.

    Raises `StoreUnavailable`.
    """
    if oauth_state not in {cookie.state for cookie in login.cookies.get_state_cookies()}:
        return None
    return login.records.get("return", oauth_state, local_path)
