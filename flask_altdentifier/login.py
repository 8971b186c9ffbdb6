"""Starts and finishes a login (RFC 6749 section 4.1)."""

from __future__ import annotations

import logging
import secrets
import time

from flask import Response, current_app, request

from . import pending, urls
from .backends import refuse_cookie_sessions
from .browser import in_app, is_prefetch, send_to
from .callback import CallbackQuery
from .current import Reservation, load
from .errors import AltDentifierError, PrefetchRefused, StateError
from .installed import installed
from .integration import snowflake
from .pending import PendingLogin
from .scopes import WRITE_INTEGRATIONS, checked

logger: logging.Logger = logging.getLogger("flask_altdentifier")


def authorize_redirect(
    *scopes: str,
    guild_id: str | int | None = None,
    next: str | None = None,  # noqa: A002
) -> Response:
    """Return the response that starts a login, from a view of your own.

    Asks for *scopes* (none given: `ALTDENTIFIER_SCOPE`) and for those that the live grant was
    asked for. *guild_id* is the snowflake of the server to add to, with `write:integrations`.
    *next* is the local path to come back to; anything else is ignored.

    Raises `ValueError` for a scope or a *guild_id* that cannot be meant, `PrefetchRefused` where
    the browser only fetches ahead, and `StoreUnavailable`.
    """
    scope = checked(scopes) or installed().settings.scope
    grant = load()
    if grant:
        scope |= grant.requested_scope
    return begin(scope, next=next, guild_id=guild_id)


def begin(
    scope: frozenset[str],
    *,
    next: str | None,  # noqa: A002
    guild_id: str | int | None = None,
) -> Response:
    """Return the redirect to AltDentifier that asks for *scope*; see `authorize_redirect`."""
    refuse_cookie_sessions(current_app)
    guild = _guild(guild_id, scope)
    if is_prefetch(request):
        logger.info("Refused: %s.", PrefetchRefused.reason)
        raise PrefetchRefused
    # Not at the top: it needs what else only the command needs.
    from .check.runtime import look

    look()
    ours = installed()
    login = PendingLogin(
        next=urls.local_path(next),
        scope=scope,
        redirect_uri=ours.callback_url(),
        verifier=secrets.token_urlsafe(48) if ours.settings.pkce else None,
        expires_at=time.time() + ours.settings.login_lifetime,
    )
    return send_to(
        ours.provider.authorization_url(
            redirect_uri=login.redirect_uri,
            scope=scope,
            state=pending.add(login),
            verifier=login.verifier,
            guild_id=guild,
        ),
        302,
    )


def _guild(guild_id: str | int | None, scope: frozenset[str]) -> str | None:
    if guild_id is None:
        return None
    if WRITE_INTEGRATIONS not in scope:
        raise ValueError(f"guild_id only goes with the scope {WRITE_INTEGRATIONS!r}")
    return snowflake(guild_id)


def finish(query: CallbackQuery) -> Response:
    """Return the redirect that ends the login which *query* answers.

    Raises `StateError` for a state that is not pending in this browser, and then whatever
    `CallbackQuery.code` and `Provider.exchange` raise; `StoreUnavailable` at any time.
    """
    refuse_cookie_sessions(current_app)
    ours = installed()
    after_login = in_app(request, ours.settings.after_login)
    state = query.state
    login = None if state is None else pending.take(state)
    if login is None:
        if load():  # the back button, or a second click
            return send_to(after_login, 303)
        raise StateError
    try:
        code = query.code
        reservation = Reservation()
        grant = ours.provider.exchange(
            code,
            redirect_uri=login.redirect_uri,
            verifier=login.verifier,
            requested_scope=login.scope,
        )
        reservation.fill(grant)
    except AltDentifierError as error:
        error.next = login.next
        raise
    return send_to(login.next or after_login, 303)
