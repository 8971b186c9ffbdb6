"""`/oauth2/token`: an application exchanges a code for a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, current_app, g, request

from .oauth.authorization_server import authorization_server
from .oauth.client_auth import parse_basic_credentials
from .responses import make_error_response, make_failure_response
from .state import MAX_TEXT, sandbox_state

if TYPE_CHECKING:
    from .records import TokenRequest

blueprint: Blueprint = Blueprint("token_endpoint", __name__)


@blueprint.post("/oauth2/token")
def exchange_code() -> Response:
    """Respond to a token request, normally or with the chosen failure."""
    state = sandbox_state(current_app)
    token_request = _add_token_request()
    response = make_failure_response(state.failure, state.slow_seconds)
    if response is None:
        response = _exchange_code()
        token_request.problem = g.get("refusal", "")[:MAX_TEXT]
    else:
        token_request.problem = f"The sandbox is set to: {state.failure.title}."
    token_request.status = response.status_code
    return response


def _exchange_code() -> Response:
    if any(len(values) > 1 for _, values in request.form.lists()):  # RFC 6749 section 3.2
        return _refuse("A parameter is repeated.")
    if request.args:  # RFC 6749 section 2.3.1: credentials must not be in the URI
        return _refuse("The URL has parameters. They belong in the body.")
    return cast("Response", authorization_server().create_token_response())


def _refuse(problem: str) -> Response:
    g.refusal = problem
    return make_error_response(400)


def _add_token_request() -> TokenRequest:
    """Record this request with its client ID, which is not authenticated yet."""
    form = request.form
    credentials = parse_basic_credentials(request.headers.get("Authorization", ""))
    client_id = form.get("client_id") or next((name for name, _ in credentials), "")
    return sandbox_state(current_app).add_token_request(client_id, form.get("code", ""))
