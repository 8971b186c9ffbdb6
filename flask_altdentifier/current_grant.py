"""The public functions about this browser's login: `current_grant`, `logout` and `logout_all`."""

from __future__ import annotations

from typing import cast

from flask import has_request_context, request
from werkzeug.local import LocalProxy

from .browser.request_login import get_request_login
from .grant import Grant
from .state import get_state


def _get_grant_or_raise() -> Grant:
    grant = get_request_login(get_state(), request).get_grant()
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
        login = get_request_login(get_state(), request)
        if login.records.error_reported:
            return False  # so that the error page can use a layout that reads `current_grant`
        return login.get_usable_grant() is not None


#: Proxy to this request's `Grant`. Falsy if nobody is logged in or the grant has expired.
#:
#: If there is no grant, its attributes raise `RuntimeError`. Reading it raises
#: `errors.StoreUnavailable` if the store does not answer, and `errors.ConfigError` if the blueprint
#: is not registered. Example::
#:
#:     @app.get("/")
#:     def home():
#:         return "Logged in" if current_grant else "Not logged in"
current_grant: Grant = cast("Grant", _CurrentGrant(_get_grant_or_raise))


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
    get_request_login(get_state(), request).log_out()


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
    state = get_state()
    records = state.records()
    records.clear("pending")
    count = records.clear("grant")
    if has_request_context():
        get_request_login(state, request).set_grant(None)
    return count
