"""The control page: settings for the app, the switch for failures, and the latest requests."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from ..scopes import WRITE_INTEGRATIONS
from .clients import DEFAULT_CLIENT
from .failures import Failure
from .forms import refuse_cross_origin
from .pages import render_page
from .state import sandbox_state
from .users import GUILDS, USERS

#: Token requests that the page shows.
SHOWN_TOKEN_REQUESTS = 5

blueprint: Blueprint = Blueprint("control", __name__)


@blueprint.get("/")
def show() -> Response:
    """Show the page. The only secret on it is the documented default one."""
    state = sandbox_state(current_app)
    return render_page(
        "control.html",
        state=state,
        base_url=request.host_url.rstrip("/"),
        default_client=DEFAULT_CLIENT,
        failures=list(Failure),
        token_requests=state.get_token_requests()[:SHOWN_TOKEN_REQUESTS],
        users=USERS,
        guilds=GUILDS,
        integration_scope=WRITE_INTEGRATIONS,
    )


@blueprint.post("/")
def set_failure() -> ResponseReturnValue:
    """Switch to the failure that the form names."""
    refuse_cross_origin()
    try:
        failure = Failure(request.form.get("failure"))
    except ValueError:
        raise BadRequest("The form names a failure that the sandbox does not know.") from None
    sandbox_state(current_app).failure = failure
    return redirect(url_for(".show"), 303)
