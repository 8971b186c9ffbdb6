"""The login of the browser that sent a request: its grant, login and logout.

It is an attribute of the request object, not a key of the WSGI environment. Flask-SocketIO shares
one environment among all events of a socket, so a grant in it would outlive a logout.
"""

from __future__ import annotations

import hashlib
import secrets
import time

from flask import Request, Response, after_this_request

from .. import signals
from ..grant import Grant
from ..records import Records
from ..state import ExtensionState
from .cookies import BrowserCookies
from .session import regenerate_session_id

_ATTRIBUTE = "_altdentifier_login"


class RequestLogin:
    """The login of this browser, as one request sees it."""

    __slots__ = ("_grant", "_is_read", "cookies", "records")

    def __init__(self, state: ExtensionState, request: Request) -> None:
        #: Access to the store. It is shared by all parts of the request, because it stops calling
        #: a store that has failed.
        self.records: Records = state.records()
        self.cookies: BrowserCookies = BrowserCookies(state, request)
        self._is_read: bool = False
        self._grant: Grant | None = None

    def get_grant(self) -> Grant | None:
        """Return this browser's grant, usable or expired. Reads the store once per request.

        Raises `StoreUnavailable`.
        """
        if not self._is_read:
            after_this_request(_vary_by_cookie)
            grant = self._read_grant()
            if not self._is_read:  # another thread of this request may have logged out since
                self.set_grant(grant)
        return self._grant

    def get_usable_grant(self) -> Grant | None:
        """Return this browser's grant unless it has expired. Raises `StoreUnavailable`."""
        return self.get_grant() or None

    def _read_grant(self) -> Grant | None:
        """Return the first usable grant of the login cookies, else an expired grant, else None."""
        expired: Grant | None = None
        for login_id in self.cookies.get_login_ids():
            grant = self.records.get("grant", sha256_hex(login_id), Grant.from_record)
            if grant:
                return grant
            if grant is not None:
                expired = grant
        return expired

    def set_grant(self, grant: Grant | None) -> None:
        """Use *grant* for the rest of this request."""
        self._grant, self._is_read = grant, True

    def log_in(self, grant: Grant) -> None:
        """Log this browser in with *grant*, under a new login ID and a new session ID.

        Ends the browser's older logins, and the new one if a receiver of `logged_in` raises. Raises
        `StoreUnavailable`.
        """
        login_id, lifetime = secrets.token_urlsafe(32), grant.expires_at.timestamp() - time.time()
        self.records.set("grant", sha256_hex(login_id), grant.to_record(), lifetime)
        is_kept = False
        try:
            # Only after the grant is written, because a full store can delete the session but
            # cannot write it again.
            regenerate_session_id()
            self.end()
            self.set_grant(grant)
            signals.send(signals.logged_in, grant=grant)
            is_kept = self._grant is grant  # a receiver may have called logout()
        finally:
            if is_kept:
                self.cookies.set_login_id(login_id, lifetime)
            else:
                self.set_grant(None)
                self.records.delete("grant", sha256_hex(login_id))

    def log_out(self) -> None:
        """End this browser's login, and delete its cookie. Raises `StoreUnavailable`."""
        grant = self.get_grant()
        self.end()
        regenerate_session_id()
        self.cookies.delete_login_id()
        if grant is not None:
            signals.send(signals.logged_out, grant=grant)

    def end(self) -> None:
        """Delete this browser's grants from the store. Raises `StoreUnavailable`."""
        for login_id in self.cookies.get_login_ids():
            self.records.delete("grant", sha256_hex(login_id))
        self.set_grant(None)


def get_request_login(state: ExtensionState, request: Request) -> RequestLogin:
    """Return the login of *request*. Creates it at the first call."""
    found: RequestLogin | None = getattr(request, _ATTRIBUTE, None)
    if found is None:
        found = RequestLogin(state, request)
        setattr(request, _ATTRIBUTE, found)
    return found


def sha256_hex(login_id: str) -> str:
    """Return the name of a grant's record: a hash, so that it does not reveal the login cookie."""
    return hashlib.sha256(login_id.encode()).hexdigest()


def _vary_by_cookie(response: Response) -> Response:
    """Prevent shared caches from showing one person's page to another."""
    response.vary.add("Cookie")
    return response
