"""The authorize page: an application asks, a user allows or denies."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest, InternalServerError, NotFound

from . import redirects
from .failures import Failure
from .pages import chosen, page, refuse_other_origins
from .people import GUILDS, USERS, Guild, by_id, guild_of
from .scopes import MEANINGS, WRITE_INTEGRATIONS, scopes_in
from .server import authorization_server
from .state import Consent, sandbox_state

if TYPE_CHECKING:
    from .clients import Client

blueprint: Blueprint = Blueprint("authorize", __name__)


@blueprint.route("/oauth2/authorize", methods=["GET", "POST"])
def authorize() -> Response:
    """Show the page and take its form; the query is the application's, the form the user's."""
    state = sandbox_state(current_app)
    if state.failure is Failure.AUTHORIZE_ERROR:
        raise InternalServerError("The sandbox was set to fail here.")
    client = state.clients.get(request.args.get("client_id", ""))
    if client is None:
        raise NotFound("There is no application with this client id.")
    if any(len(values) > 1 for _, values in request.args.lists()):
        raise BadRequest("The application sent a parameter twice.")
    if not request.args.get("redirect_uri") and not request.args.get("response_type"):
        return _integration_link(client)
    return _code_flow(client)


def _code_flow(client: Client) -> Response:
    redirect_uri = _redirect_uri(client)
    if request.args.get("response_type") != "code":
        raise BadRequest("The response type has to be “code”.")
    server = authorization_server()
    grant = server.consent_grant()  # raises OAuth2Error: see `pages.oauth_problem`
    scopes = scopes_in(request.args["scope"])
    guilds = _guilds() if WRITE_INTEGRATIONS in scopes else ()
    if request.method == "POST":
        consent = _consent(scopes, guilds)
        if consent is not None:
            server.state.install(client, consent)
        answer = server.create_authorization_response(grant.request, consent, grant=grant)
        return cast("Response", answer)
    return page(
        "authorize.html",
        client=client,
        destination=redirects.site_of(redirect_uri),
        scopes={scope: MEANINGS[scope] for scope in scopes},
        users=USERS,
        guilds=guilds,
        leads_to=redirects.form_action_source(redirect_uri),
    )


def _integration_link(client: Client) -> Response:
    """Add an integration to a server, without a code: the simplified flow."""
    if request.args.get("scope") != WRITE_INTEGRATIONS:
        raise BadRequest("Without a redirect URI only write:integrations can be asked for.")
    guilds = _guilds()
    if request.method == "POST":
        consent = _consent([], guilds)
        if consent is not None:
            sandbox_state(current_app).install(client, consent)
        return page("integration_done.html", client=client, consent=consent)
    return page("integration.html", client=client, users=USERS, guilds=guilds)


def _redirect_uri(client: Client) -> str:
    """Return the redirect URI that was asked for, if it is one of this client's."""
    uri = request.args.get("redirect_uri", "")
    if not client.check_redirect_uri(uri):
        raise BadRequest("The redirect URI is missing, or none that this application registered.")
    local_only = current_app.config["LOOPBACK_ONLY"] and not client.redirect_uris
    if local_only and not redirects.is_loopback(redirects.host_of(uri)):
        raise BadRequest(
            "This application registered no redirect URI, so only one on this machine will do. "
            "Start the sandbox with --redirect-uri to use another."
        )
    return uri


def _guilds() -> tuple[Guild, ...]:
    """Return the servers to choose from: one alone where the application named it."""
    guild_id = request.args.get("guild_id")
    if not guild_id:
        return GUILDS
    guild = guild_of(guild_id)
    if guild is None:
        raise BadRequest("The server id is not a number of up to 20 digits.")
    return (guild,)


def _consent(scopes: list[str], guilds: tuple[Guild, ...]) -> Consent | None:
    """Return what the user allowed of *scopes*, or None for a denial."""
    refuse_other_origins()
    decision = request.form.get("decision")
    if decision == "deny":
        return None
    if decision != "allow":
        raise BadRequest("The form has neither been allowed nor denied.")
    granted = [scope for scope in scopes if scope in request.form.getlist("granted")]
    wants_guild = guilds and (WRITE_INTEGRATIONS in granted or not scopes)
    return Consent(
        user=chosen(request.form, "user", by_id(USERS)),
        scope=" ".join(granted),
        guild=chosen(request.form, "guild", by_id(guilds)) if wants_guild else None,
    )
