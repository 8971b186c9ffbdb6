"""The login flow (RFC 6749 section 4.1).

`start_login` redirects the browser to AltDentifier. `handle_callback` receives the response.
"""

from __future__ import annotations

import secrets
import time

from flask import Response, current_app, request
from flask.sessions import SecureCookieSessionInterface

from .browser.pending_logins import (
    PendingLogin,
    add_pending_login,
    find_next,
    pop_pending_login,
    save_next,
)
from .browser.request_login import RequestLogin, get_request_login
from .discord_id import validate_discord_id
from .errors import AltDentifierError, ConfigError, PrefetchRefused, StateError
from .navigation import is_prefetch, redirect, with_script_root, without_proxy
from .oauth.authorization_response import AuthorizationResponse
from .scopes import WRITE_INTEGRATIONS, validate_scopes
from .state import ExtensionState, get_state
from .urls import local_path


def authorize_redirect(
    *scopes: str,
    guild_id: str | int | None = None,
    next: str | None = None,  # noqa: A002
) -> Response:
    """Return the redirect that starts a login from a view of your own.

    Args:
        scopes: The scopes to request, beside those that the current grant was requested with.
            Default: `ALTDENTIFIER_SCOPE`.
        guild_id: Discord ID of the server to add the application to. It requires the scope
            `write:integrations`.
        next: Local path to return to after the login, as `url_for` returns it. Any other text is
            ignored.

    Returns:
        A redirect to AltDentifier.

    Raises:
        ValueError: A scope or *guild_id* is not valid.
        ConfigError: Sessions are Flask's signed cookies, or the blueprint is not registered.
        PrefetchRefused: The browser only prefetches the page.
        StoreUnavailable: The store did not answer.

    Example::

        @app.get("/connect")
        def connect():
            return authorize_redirect("write:integrations", next=url_for("servers"))
    """
    state = get_state()
    scope = validate_scopes(scopes) or state.config.scope
    grant = get_request_login(state, request).get_usable_grant()
    if grant is not None:
        scope |= grant.requested_scope
    return start_login(state, scope, next=next, guild_id=guild_id)


def start_login(
    state: ExtensionState,
    scope: frozenset[str],
    *,
    next: str | None,  # noqa: A002
    guild_id: str | int | None = None,
) -> Response:
    """Return the redirect to AltDentifier that requests *scope*, as `authorize_redirect` does."""
    _refuse_cookie_sessions()
    guild = _validate_guild_id(guild_id, scope)
    current = without_proxy(request)
    if is_prefetch(current):
        raise PrefetchRefused
    pending = PendingLogin(
        next=local_path(next),
        scope=scope,
        redirect_uri=state.redirect_uri(),
        code_verifier=secrets.token_urlsafe(48) if state.config.pkce else None,
        expires_at=time.time() + state.config.login_lifetime,
    )
    oauth_state = add_pending_login(get_request_login(state, current), pending)
    location = state.oauth.authorization_url(
        redirect_uri=pending.redirect_uri,
        scope=scope,
        state=oauth_state,
        code_verifier=pending.code_verifier,
        guild_id=guild,
    )
    return redirect(location, 302)


def _validate_guild_id(guild_id: str | int | None, scope: frozenset[str]) -> str | None:
    if guild_id is None:
        return None
    if WRITE_INTEGRATIONS not in scope:
        raise ValueError(f"guild_id requires the scope {WRITE_INTEGRATIONS!r}")
    return validate_discord_id(guild_id)


def handle_callback(state: ExtensionState) -> Response:
    """Finish the login of this callback, and return the redirect to its page.

    Consumes the OAuth state first, and only then reads the rest of the query. Raises `StateError`
    if the OAuth state belongs to no pending login of this browser. Raises `StoreUnavailable`, and
    the errors of `AuthorizationResponse.code` and `OAuthClient.exchange_code`.
    """
    _refuse_cookie_sessions()
    login = get_request_login(state, request)
    response = AuthorizationResponse(request.query_string)
    oauth_state = response.state
    pending = pop_pending_login(login, oauth_state)
    if pending is None or pending.expired:
        return _reject_state(state, login, oauth_state, expired=pending)
    try:
        code = response.code
        # Written before the code is exchanged, so that a full store fails the login before the
        # single-use code is sent.
        save_next(login, oauth_state, pending.next, state.config.login_lifetime)
        grant = state.oauth.exchange_code(
            code,
            redirect_uri=pending.redirect_uri,
            code_verifier=pending.code_verifier,
            requested_scope=pending.scope,
        )
        login.log_in(grant.limited_to(state.config.grant_lifetime))
    except AltDentifierError as error:
        if error.next_step is not None:
            error.login_url = state.login_url(pending.next, pending.scope)
        raise
    return redirect(pending.next or _after_login(state), 303)


def _reject_state(
    state: ExtensionState, login: RequestLogin, oauth_state: str, *, expired: PendingLogin | None
) -> Response:
    """Redirect to the app if this browser is logged in, for example after the back button.

    Raises `StateError` otherwise. Its page offers a new login, with the `next` of the *expired*
    login, or of the finished login if the callback has arrived twice.
    """
    if login.get_usable_grant() is not None:
        return redirect((expired and expired.next) or _after_login(state), 303)
    if expired is not None:
        raise StateError(login_url=state.login_url(expired.next, expired.scope))
    raise StateError(login_url=state.login_url(find_next(login, oauth_state)))


def _after_login(state: ExtensionState) -> str:
    """Return `ALTDENTIFIER_AFTER_LOGIN` as the browser sees it."""
    return with_script_root(request, state.config.after_login)


def _refuse_cookie_sessions() -> None:
    """Raise `ConfigError` if sessions are Flask's signed cookies.

    A browser can send an old cookie again, and a used OAuth state with it. This is checked at each
    login, because the app may call `Session(app)` after the registration.
    """
    if isinstance(current_app.session_interface, SecureCookieSessionInterface):
        raise ConfigError(
            "Sessions are signed cookies, and a browser can send an old cookie again. If "
            "SESSION_TYPE is set, call flask_session.Session(app), or remove SESSION_TYPE to keep "
            "sessions in the login store. If the app sets a session_interface of its own, "
            "remove it."
        )
