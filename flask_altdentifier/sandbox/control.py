"""The sandbox's own page: what it knows, how to point an app at it, and its switches."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request, url_for
from werkzeug.exceptions import BadRequest

from .clients import DEFAULT
from .failures import Failure
from .pages import page, refuse_other_origins
from .people import GUILDS, USERS
from .scopes import WRITE_INTEGRATIONS
from .state import sandbox_state

blueprint: Blueprint = Blueprint("control", __name__)


@blueprint.get("/")
def show() -> Response:
    """Show the page. A secret that somebody chose is not on it."""
    return page(
        "control.html",
        state=sandbox_state(current_app),
        base_url=request.host_url.rstrip("/"),
        default_client=DEFAULT,
        failures=list(Failure),
        users=USERS,
        guilds=GUILDS,
        integration_scope=WRITE_INTEGRATIONS,
    )


@blueprint.post("/")
def switch() -> Response:
    """Set the failure that the form names, and whether refresh tokens can be used."""
    refuse_other_origins()
    try:
        failure = Failure(request.form.get("failure"))
    except ValueError:
        raise BadRequest("The form names no failure that the sandbox knows.") from None
    state = sandbox_state(current_app)
    state.failure, state.refresh = failure, "refresh" in request.form
    return Response(status=303, headers={"Location": url_for(".show")})
