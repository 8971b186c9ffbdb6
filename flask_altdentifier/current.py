"""The grant of the browser that sent this request."""

from __future__ import annotations

from flask import Response, after_this_request, has_request_context, request
from werkzeug.local import LocalProxy

from . import cookies, refresh, sessions, signals
from .errors import AltDentifierError, StoreUnavailable, log
from .grant import Grant
from .installed import installed
from .store import hashed

#: Seconds for which room is kept in the store while a code is exchanged.
_RESERVED = 120


def load() -> Grant | None:
    """Return this browser's grant, live or expired. Reads the store once per request.

    Raises `StoreUnavailable`.
    """
    key, environ = installed().environ_key, request.environ
    if key not in environ:
        after_this_request(_vary)
        try:
            grant = _find()
        except StoreUnavailable:
            environ.setdefault(key, None)  # so a page about it does not ask again
            raise
        environ.setdefault(key, grant)  # another thread of this request may have logged out
    known: Grant | None = environ[key]
    return known


def live() -> Grant | None:
    """Return this browser's grant where it is live, for what cannot do without one.

    Raises `StoreUnavailable`, and what kept an expired one from being refreshed.
    """
    grant = load()
    problem: AltDentifierError | None = request.environ.get(installed().problem_key)
    if problem is not None:
        raise problem
    return grant or None


def _find() -> Grant | None:
    name, first = _login()
    if first is None:
        return None
    try:
        return refresh.latest(name, first)
    except StoreUnavailable:
        raise
    except AltDentifierError as problem:  # AltDentifier's; no reason to close a public page
        log("A refresh failed: %s.", problem)
        request.environ[installed().problem_key] = problem
        return first


def _know(grant: Grant | None) -> None:
    """Let *grant* be this request's from now on."""
    ours, environ = installed(), request.environ
    environ[ours.environ_key] = grant
    environ.pop(ours.problem_key, None)


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


class _CurrentGrant(LocalProxy[Grant]):
    """Is false without a grant, but not where the set-up is wrong: that is told."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return has_request_context() and bool(load())


#: Proxy to this request's `Grant`: false when there is none or it has expired. Without one, its
#: attributes raise `RuntimeError`. Asking it raises `StoreUnavailable` where the store is down.
current_grant: Grant = _CurrentGrant(_bound)  # type: ignore[assignment]


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

        Raises `StoreUnavailable`; then an older grant lives. What a receiver of `logged_in` raises
        comes after its end.
        """
        name, lifetime = hashed(self.login_id), refresh.lifetime(grant)
        sessions.change_id()
        refresh.prepare(name, grant)
        installed().store.put("grant", name, grant.to_record(), lifetime)
        kept = False
        try:
            end()
            _know(grant)
            signals.send(signals.logged_in, grant=grant)
            kept = load() is grant  # a receiver may have logged out
        finally:
            if kept:
                cookies.set_login_id(self.login_id, lifetime)
            else:
                _know(None)
                _drop(name)


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
    _know(None)


def _drop(name: str) -> None:
    installed().store.drop("grant", name)
    refresh.forget(name)
