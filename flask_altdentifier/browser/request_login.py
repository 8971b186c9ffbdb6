"""The login of one request: its cookies, its records and its grant.

It is an attribute of the request object, not a key of the WSGI environment. Flask-SocketIO shares
one environment among all events of a socket, so a grant in it would outlive a logout.
"""

from __future__ import annotations

from flask import Request

from ..grant import Grant
from ..records import Records
from ..state import ExtensionState
from .cookies import BrowserCookies

_ATTRIBUTE = "_altdentifier_login"


class RequestLogin:
    """The cookies, the records and the grant of one request."""

    __slots__ = ("cookies", "grant", "is_loaded", "records")

    def __init__(self, state: ExtensionState, request: Request) -> None:
        self.records: Records = state.records()
        self.cookies: BrowserCookies = BrowserCookies(state.app, request, state.client_hash)
        #: Whether `grant` has been read from the store.
        self.is_loaded: bool = False
        #: This browser's grant, usable or expired, or None.
        self.grant: Grant | None = None

    def set_grant(self, grant: Grant | None) -> None:
        """Make *grant* this request's grant from now on."""
        self.grant = grant
        self.is_loaded = True


def get_request_login(state: ExtensionState, request: Request) -> RequestLogin:
    """Return the login of *request*. Creates it at the first call."""
    found: RequestLogin | None = getattr(request, _ATTRIBUTE, None)
    if found is None:
        found = RequestLogin(state, request)
        setattr(request, _ATTRIBUTE, found)
    return found
