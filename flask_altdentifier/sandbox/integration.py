"""The simplified integration link, with which a user adds an application to a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, current_app, request
from werkzeug.exceptions import BadRequest

from ..scopes import WRITE_INTEGRATIONS
from .consent import get_offered_guilds, read_consent
from .pages import render_page
from .state import sandbox_state
from .users import USERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clients import Client


def is_integration_link(query: Mapping[str, str]) -> bool:
    """Return whether this is the simplified link, which has no redirect URI."""
    return not query.get("redirect_uri") and not query.get("response_type")


def respond(client: Client) -> Response:
    """Show the page of the link, or add *client* to the chosen server."""
    if request.args.getlist("scope") != [WRITE_INTEGRATIONS]:
        raise BadRequest("A link without a redirect URI needs scope=write:integrations.")
    try:
        guilds = get_offered_guilds()
    except ValueError:
        raise BadRequest("The server in this link is not a Discord ID.") from None
    if request.method != "POST":
        return render_page("integration.html", client=client, users=USERS, guilds=guilds)
    consent = read_consent([WRITE_INTEGRATIONS], guilds)
    if consent is not None:
        sandbox_state(current_app).add_installation(client, consent)
    return render_page("integration_done.html", client=client, consent=consent)
