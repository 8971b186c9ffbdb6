"""`/oauth2/authorize`: an application requests access, and a user decides."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest, InternalServerError

from ..scopes import DOCUMENTED_SCOPES, WRITE_INTEGRATIONS
from . import integration
from .consent import get_offered_guilds, read_consent
from .failures import Failure
from .forms import get_client
from .oauth.authorization_server import authorization_server
from .pages import render_page
from .state import sandbox_state
from .uris import is_loopback_uri
from .users import USERS

if TYPE_CHECKING:
    from .clients import Client
    from .oauth.code_grant import CodeGrant
    from .users import Guild

blueprint: Blueprint = Blueprint("authorize", __name__)


@blueprint.route("/oauth2/authorize", methods=["GET", "POST"])
def authorize() -> Response:
    """Show the page and accept its form. The query comes from the application.

    If the client or the redirect URI is not valid, an error is a page. Otherwise it is a redirect
    to the application (RFC 6749 section 4.1.2.1).
    """
    if sandbox_state(current_app).failure is Failure.AUTHORIZE_ERROR:
        raise InternalServerError("The sandbox is set to fail here.")
    client = get_client()
    if any(len(request.args.getlist(name)) > 1 for name in ("client_id", "redirect_uri")):
        raise BadRequest("The link has two client IDs or two redirect URIs.")
    if integration.is_integration_link(request.args):
        return integration.respond(client)
    redirect_uri = _get_redirect_uri(client)
    try:
        return _respond(client, redirect_uri)
    except OAuth2Error as error:
        error.redirect_uri, error.state = redirect_uri, request.args.get("state")
        return authorization_server().handle_response(*error())


def _get_redirect_uri(client: Client) -> str:
    uri = request.args.get("redirect_uri", "")
    if not client.check_redirect_uri(uri):
        raise BadRequest(
            "The redirect URI is missing or malformed, or this application did not register it."
        )
    is_open = not client.redirect_uris and current_app.config["LOOPBACK_ONLY"]
    if is_open and not is_loopback_uri(uri):
        raise BadRequest(
            "This application has no registered redirect URI, so the sandbox redirects to this "
            "machine only. To use another one, register it with --redirect-uri, or with "
            "ALTDENTIFIER_REDIRECT_URI in the application."
        )
    return uri


def _respond(client: Client, redirect_uri: str) -> Response:
    """Show the page, or finish the consent.

    Raises `OAuth2Error` to redirect the browser to the application with an error.
    """
    _raise_chosen_failure()
    grant = authorization_server().get_code_grant()
    scopes = list(dict.fromkeys(request.args["scope"].split(" ")))  # each once, in order
    guilds = _get_guilds(scopes)
    if request.method == "POST":
        return _finish(client, grant, scopes, guilds)
    return render_page(
        "authorize.html",
        form_action="*",  # the application may redirect to another origin of its own
        client=client,
        host=urlsplit(redirect_uri).netloc,
        scopes=[DOCUMENTED_SCOPES[scope] for scope in scopes],
        users=USERS,
        guilds=guilds,
    )


def _finish(
    client: Client, grant: CodeGrant, scopes: list[str], guilds: tuple[Guild, ...]
) -> Response:
    ticked = request.form.getlist("granted")
    consent = read_consent([scope for scope in scopes if scope in ticked], guilds)
    if consent is not None:
        sandbox_state(current_app).add_installation(client, consent)
    return authorization_server().finish_consent(grant, consent)


def _raise_chosen_failure() -> None:
    code = sandbox_state(current_app).failure.redirect_error
    if code is not None:
        raise OAuth2Error(error=code, description="The sandbox is set to send this error.")


def _get_guilds(scopes: list[str]) -> tuple[Guild, ...]:
    if WRITE_INTEGRATIONS not in scopes:
        return ()
    try:
        return get_offered_guilds()
    except ValueError as error:
        raise InvalidRequestError(f"{error}.") from None
