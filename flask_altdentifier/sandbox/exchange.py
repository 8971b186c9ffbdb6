"""The token endpoint."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request

from .answers import json_error
from .failures import answer_of
from .server import authorization_server, basic_credentials
from .state import sandbox_state

blueprint: Blueprint = Blueprint("exchange", __name__)


@blueprint.post("/oauth2/token")
def token() -> Response:
    """Exchange a code or a refresh token, unless the switch for failures says otherwise."""
    state, form = sandbox_state(current_app), request.form
    code = form.get("code") or form.get("refresh_token", "")
    note = state.note_token_request(_client_id(), form.get("grant_type", ""), code)
    response = answer_of(state.failure, state.slow_seconds) or _exchange()
    note.status = response.status_code
    return response


def _exchange() -> Response:
    repeated = any(len(values) > 1 for _, values in request.form.lists())  # section 3.2
    if repeated or request.args:  # section 2.3.1: nothing in the URI
        return json_error(400)
    response: Response = authorization_server().create_token_response()  # type: ignore[assignment]
    return response


def _client_id() -> str:
    """Return the client id that the request claims, or the empty string."""
    claimed = basic_credentials(request.headers.get("Authorization", ""))
    return request.form.get("client_id") or next((name for name, _ in claimed), "")
