"""What one request knows of its login.

It is kept on the request object. The WSGI environment would not do, because Flask-SocketIO shares
one among all events of a socket, and a grant that is cached there would outlive a logout.
"""

from __future__ import annotations

from flask import Request

from ..grant import Grant

_ATTRIBUTE = "_altdentifier_login"


class RequestLogin:
    """The grant of one request, read from the store once, and whether the store has failed."""

    __slots__ = ("error_reported", "grant", "is_loaded", "store_failed")

    def __init__(self) -> None:
        #: Whether `grant` has been read from the store.
        self.is_loaded: bool = False
        #: This browser's grant, usable or expired, or None.
        self.grant: Grant | None = None
        #: Whether the store has failed in this request. Then it is not called again.
        self.store_failed: bool = False
        #: Whether that failure has been raised as `StoreUnavailable`.
        self.error_reported: bool = False

    def set_grant(self, grant: Grant | None) -> None:
        """Make *grant* this request's grant from now on."""
        self.grant = grant
        self.is_loaded = True


def get_request_login(request: Request) -> RequestLogin:
    """Return what *request* knows of its login."""
    try:
        found: RequestLogin = getattr(request, _ATTRIBUTE)
    except AttributeError:
        found = RequestLogin()
        setattr(request, _ATTRIBUTE, found)
    return found
