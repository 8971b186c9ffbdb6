"""The login (RFC 6749 section 4.1): `start_login` sends the browser to AltDentifier, and
`handle_callback` receives it back.
"""

from __future__ import annotations

import secrets
import time

from flask import Response, current_app, request
from flask.sessions import SecureCookieSessionInterface

from . import urls
from .browser.pending_logins import PendingLogin, add_pending_login, pop_pending_login
from .browser.request_login import RequestLogin, get_request_login
from .current_grant import get_usable_grant, log_in
from .discord_id import validate_discord_id
from .errors import AltDentifierError, ConfigError, PrefetchRefused, StateError
from .navigation import is_prefetch, redirect, with_script_root
from .oauth.authorization_response import AuthorizationResponse
from .scopes import WRITE_INTEGRATIONS, validate_scopes
from .state import ExtensionState, get_state


def authorize_redirect(
    *scopes: str,
    guild_id: str | int | None = None,
    next: str | None = None,  # noqa: A002
) -> Response:
    """Return the response that starts a login from a view of your own.

    Args:
        scopes: What to ask for, beside what the current grant was asked for. Default:
            `ALTDENTIFIER_SCOPE`.
        guild_id: Discord ID of the server to add to. Needs the scope `write:integrations`.
        next: Local path to return to after the login. Anything else is ignored.

    Raises `ValueError` for an invalid scope or guild id, `errors.PrefetchRefused` if the browser
    only prefetches the page, and `errors.StoreUnavailable`.

    Example::

        @app.get("/connect")
        def connect():
            return authorize_redirect("write:integrations", next="/servers")
    """
    state = get_state()
    scope = validate_scopes(scopes) or state.config.scope
    grant = get_usable_grant(state)
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
    """Return the redirect to AltDentifier that asks for *scope*; see `authorize_redirect`."""
    _refuse_cookie_sessions()
    guild = _validate_guild_id(guild_id, scope)
    if is_prefetch(request):
        raise PrefetchRefused
    pending = PendingLogin(
        next=urls.local_path(next),
        scope=scope,
        redirect_uri=state.redirect_uri(),
        code_verifier=secrets.token_urlsafe(48) if state.config.pkce else None,
        expires_at=time.time() + state.config.login_lifetime,
    )
    location = state.oauth.authorization_url(
        redirect_uri=pending.redirect_uri,
        scope=scope,
        state=add_pending_login(
            get_request_login(state, request), state.config.client_secret, pending
        ),
        code_verifier=pending.code_verifier,
        guild_id=guild,
    )
    return redirect(location, 302)


def _validate_guild_id(guild_id: str | int | None, scope: frozenset[str]) -> str | None:
    if guild_id is None:
        return None
    if WRITE_INTEGRATIONS not in scope:
        raise ValueError(f"guild_id needs the scope {WRITE_INTEGRATIONS!r}")
    return validate_discord_id(guild_id)


def handle_callback(state: ExtensionState) -> Response:
    """Return the redirect that ends the login of this callback.

    The state is checked and consumed first, and only then the rest of the query is read. Raises
    `StateError` for a state that is not pending in this browser, `StoreUnavailable`, and what
    `AuthorizationResponse.code` and `OAuthClient.exchange_code` raise.
    """
    _refuse_cookie_sessions()
    login = get_request_login(state, request)
    answer = AuthorizationResponse(request.query_string)
    used = answer.state
    pending = None
    if used is not None:
        pending = pop_pending_login(login, state.config.client_secret, used)
    if used is None or pending is None or pending.expired:
        return _reject_state(state, login, used, pending)
    try:
        code = answer.code
        # Written before the code is exchanged, so that a full store fails the login before the
        # single-use code is sent.
        login.records.set("return", used, pending.next, state.config.login_lifetime)
        grant = state.oauth.exchange_code(
            code,
            redirect_uri=pending.redirect_uri,
            code_verifier=pending.code_verifier,
            requested_scope=pending.scope,
        )
        log_in(login, grant.limited_to(state.config.grant_lifetime))
    except AltDentifierError as error:
        if error.next_step is not None:
            error.login_url = state.login_url(pending.next, pending.scope)
        raise
    return redirect(pending.next or after_login(state), 303)


def after_login(state: ExtensionState) -> str:
    """Return `ALTDENTIFIER_AFTER_LOGIN` as the browser sees it."""
    return with_script_root(request, state.config.after_login)


def _reject_state(
    state: ExtensionState, login: RequestLogin, used: str | None, late: PendingLogin | None
) -> Response:
    """Return to the app if this browser is logged in, as after the back button or a second click.

    Raises `StateError` otherwise. Its page leads to where the *late* or *used* login was to lead,
    if this browser started it.
    """
    if get_usable_grant(state) is not None:
        return redirect((late and late.next) or after_login(state), 303)
    if late is not None:
        raise StateError(login_url=state.login_url(late.next, late.scope))
    page = _next_of_used(login, state.config.client_secret, used)
    raise StateError(login_url=state.login_url(page))


def _next_of_used(login: RequestLogin, client_secret: str, used: str | None) -> str | None:
    if used is None or login.cookies.find_state_cookie(client_secret, used) is None:
        return None
    return login.records.get("return", used, urls.local_path)


def _refuse_cookie_sessions() -> None:
    """Raise `ConfigError` if sessions are Flask's signed cookies.

    The browser keeps those, so it can bring a used state back. `Session(app)` may be called after
    the registration, so this is known at the first login only.
    """
    if isinstance(current_app.session_interface, SecureCookieSessionInterface):
        raise ConfigError(
            "Sessions are signed cookies, which a browser can bring back. If SESSION_TYPE is set, "
            "call flask_session.Session(app), or remove SESSION_TYPE to keep sessions in the store "
            "of the logins. If the app sets a session_interface of its own, remove it."
        )
