"""The grant of the browser that sent this request, login and logout."""

from __future__ import annotations

import hashlib
import time

from flask import Response, after_this_request, current_app, has_request_context, request
from werkzeug.local import LocalProxy

from . import signals
from .browser.cookies import create_login_id
from .browser.request_login import RequestLogin, get_request_login
from .browser.session import regenerate_session_id
from .grant import Grant
from .state import ExtensionState, get_state


def get_grant(state: ExtensionState) -> Grant | None:
    """Return this browser's grant, usable or expired. Reads the store once per request.

    Raises `StoreUnavailable`.
    """
    login = get_request_login(state, request)
    if not login.is_loaded:
        after_this_request(_vary_by_cookie)
        grant = _find_grant(login)
        if not login.is_loaded:  # another thread of this request may have logged out since
            login.set_grant(grant)
    return login.grant


def get_usable_grant(state: ExtensionState) -> Grant | None:
    """Return this browser's grant if it has not expired, else None. Raises `StoreUnavailable`."""
    return get_grant(state) or None


def _find_grant(login: RequestLogin) -> Grant | None:
    """Return the first usable grant of the login cookies, else an expired grant, else None."""
    found: Grant | None = None
    for login_id in login.cookies.get_login_ids():
        grant = login.records.get("grant", sha256_hex(login_id), Grant.from_record)
        if grant:
            return grant
        found = grant if found is None else found
    return found


def _vary_by_cookie(response: Response) -> Response:
    """Prevent shared caches from showing one person's page to another."""
    response.vary.add("Cookie")
    return response


def sha256_hex(login_id: str) -> str:
    """Return the name of a grant's record, which does not reveal the login cookie."""
    return hashlib.sha256(login_id.encode()).hexdigest()


def _get_grant_or_raise() -> Grant:
    grant = get_grant(get_state())
    if grant is None:
        raise RuntimeError(
            "Nobody is logged in. Check `if current_grant:` first, "
            "or protect the view with @requires_scope()."
        )
    return grant


class _CurrentGrant(LocalProxy[Grant]):
    """Falsy if nobody is logged in. Raises ConfigError if the blueprint is not registered."""

    __slots__ = ()

    def __bool__(self) -> bool:
        if not has_request_context():
            return False
        state = get_state()
        if get_request_login(state, request).records.error_reported:
            return False  # so that the error page can use a layout that reads `current_grant`
        return get_usable_grant(state) is not None


#: Proxy to this request's `Grant`. Falsy if nobody is logged in or the grant has expired.
#:
#: If there is no grant, its attributes raise `RuntimeError`. Reading it raises
#: `errors.StoreUnavailable` if the store does not answer, and `errors.ConfigError` if the blueprint
#: is not registered. Example::
#:
#:     @app.get("/")
#:     def home():
#:         return "Logged in" if current_grant else "Not logged in"
current_grant: Grant = _CurrentGrant(_get_grant_or_raise)  # type: ignore[assignment]


def log_in(login: RequestLogin, grant: Grant) -> None:
    """Log this browser in with *grant*, under a new login ID and a new session ID.

    Ends the browser's older logins. If a receiver of `logged_in` raises, the new login ends too.
    Raises `StoreUnavailable`.
    """
    login_id, lifetime = create_login_id(), grant.expires_at.timestamp() - time.time()
    login.records.set("grant", sha256_hex(login_id), grant.to_record(), lifetime)
    is_kept = False
    try:
        # Only after the grant is written, because a full store can delete the session but cannot
        # write it again.
        regenerate_session_id(current_app, request)
        end_login(login)
        login.set_grant(grant)
        signals.send(signals.logged_in, grant=grant)
        is_kept = login.grant is grant  # a receiver may have called logout()
    finally:
        if is_kept:
            login.cookies.set_login_id(login_id, lifetime)
        else:
            login.set_grant(None)
            login.records.delete("grant", sha256_hex(login_id))


def logout() -> None:
    """End this browser's login. The response deletes the login cookie.

    No copy of the cookie can use the login again. The session keeps its values, under a new ID.

    Raises:
        StoreUnavailable: The store did not answer, so the login may still exist.
        ConfigError: The blueprint is not registered in the app.

    Example::

        @app.post("/goodbye")
        def goodbye():
            logout()
            return redirect("/")
    """
    state = get_state()
    login = get_request_login(state, request)
    grant = get_grant(state)
    end_login(login)
    regenerate_session_id(current_app, request)
    login.cookies.delete_login_id()
    if grant is not None:
        signals.send(signals.logged_out, grant=grant)


def end_login(login: RequestLogin) -> None:
    """Delete this browser's logins from the store, not its cookie. Raises `StoreUnavailable`."""
    for login_id in login.cookies.get_login_ids():
        login.records.delete("grant", sha256_hex(login_id))
    login.set_grant(None)


def logout_all() -> int:
    """End every login and every pending login of this app, for incident response.

    The app's sessions stay. An app context is enough, for example in a command.

    Returns:
        The number of logins that were ended.

    Raises:
        StoreUnavailable: The store did not answer, so some logins may still exist.
        ConfigError: The blueprint is not registered in the app.

    Example::

        with app.app_context():
            logout_all()
    """
    records = get_state().records()
    records.clear("pending")
    return records.clear("grant")
