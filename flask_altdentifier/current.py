"""The grant of the browser that sent this request."""

from __future__ import annotations

from flask import Response, after_this_request, request
from werkzeug.local import LocalProxy

from . import cookies, refresh, sessions, signals
from .grant import Grant
from .installed import installed
from .store import hashed

#: Seconds for which room is kept in the store while a code is exchanged.
_RESERVED = 120


def load() -> Grant | None:
    """Return this browser's grant, live or just expired. Reads the store once per request.

    Raises `StoreUnavailable`, and what `refresh.latest` raises.
    """
    key, environ = installed().environ_key, request.environ
    if key not in environ:
        after_this_request(_vary)
        environ[key] = None  # so a page about a store that is down does not ask again
        name, first = _login()
        environ[key] = None if first is None else refresh.latest(name, first)
    known: Grant | None = environ[key]
    return known


def _vary(response: Response) -> Response:
    """Keep shared caches from showing one person's page to another."""
    if "Vary" in response.headers:
        response.vary.add("Cookie")
    else:  # what add() comes to, in half the time
        response.headers.add("Vary", "Cookie")
    return response


def _login() -> tuple[str, Grant | None]:
    """Return the name under which this browser's login is kept, and the grant it began with."""
    login_id = cookies.login_id()
    if login_id is None:
        return "", None
    name = hashed(login_id)
    return name, installed().store.get("grant", name, Grant.from_record)


def _bound() -> Grant:
    grant = load()
    if grant is None:
        raise RuntimeError(
            "Nobody is logged in here. Ask `if current_grant:` first, "
            "or guard the view with @requires_scope()."
        )
    return grant


#: Proxy to this request's `Grant`: false when there is none or it has expired. Without one, its
#: attributes raise `RuntimeError`.
current_grant: Grant = LocalProxy(_bound)  # type: ignore[assignment]


class Reservation:
    """Room in the store for a grant that is about to come, under a new login id.

    A store that is full says so here, before the code is spent.
    """

    def __init__(self) -> None:
        """Raises `StoreUnavailable` where the store does not take a record."""
        self.login_id: str = cookies.new_login_id()
        installed().store.put("grant", hashed(self.login_id), None, _RESERVED)

    def fill(self, grant: Grant) -> None:
        """Log this browser in with *grant*: any older grant of it ends, and each id is new.

        Raises `StoreUnavailable`; then an older grant lives.
        """
        app, name, lifetime = installed(), hashed(self.login_id), refresh.lifetime(grant)
        sessions.change_id()
        refresh.prepare(name, grant)
        app.store.put("grant", name, grant.to_record(), lifetime)
        kept = False
        try:
            end()
            request.environ[app.environ_key] = grant
            signals.send(signals.logged_in, grant=grant)
            kept = load() is grant  # a receiver may have logged out
        finally:
            if kept:
                cookies.set_login_id(self.login_id, lifetime)
            else:
                self._undo()

    def _undo(self) -> None:
        request.environ[installed().environ_key] = None
        _drop(hashed(self.login_id))


def logout() -> None:
    """Drop this browser's grant for good; the response of this request deletes its cookie.

    The rest of the session stays, under a new id. Raises `StoreUnavailable`; then the grant lives.
    """
    # Not load(): nothing is refreshed to be dropped.
    grant = request.environ.get(installed().environ_key) or _login()[1]
    sessions.change_id()
    end()
    cookies.delete_login_id()
    if grant is not None:
        signals.send(signals.logged_out, grant=grant)


def end() -> None:
    """Drop this browser's grant from the store; its cookie stays. Raises `StoreUnavailable`."""
    for name in map(hashed, cookies.login_ids()):
        _drop(name)
    request.environ[installed().environ_key] = None


def _drop(name: str) -> None:
    installed().store.drop("grant", name)
    refresh.forget(name)
