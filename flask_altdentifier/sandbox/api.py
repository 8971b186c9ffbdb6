"""The HTTP API: the one endpoint that public clients use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import NotFound, Unauthorized

from .failures import Failure
from .responses import make_failure_response
from .state import sandbox_state
from .users import USERS, by_id

if TYPE_CHECKING:
    from .state import SandboxState

blueprint: Blueprint = Blueprint("api", __name__)


@blueprint.get("/api/v2/user/<user_id>/trustfactor")
def trust_factor(user_id: str) -> Response:
    """Return the trust factor of a user, or the chosen failure.

    Public clients send no token, so the token is optional. If there is one, it must be valid.
    """
    state = sandbox_state(current_app)
    if state.failure is Failure.UNAUTHORIZED or not _is_authorized(state):
        challenge = WWWAuthenticate("bearer", {"error": "invalid_token"})  # RFC 6750 section 3.1
        raise Unauthorized("The token is unknown or has expired.", www_authenticate=challenge)
    if state.failure is not Failure.BAD_REQUEST:  # only the token endpoint answers 400
        response = make_failure_response(state.failure, state.slow_seconds)
        if response is not None:
            return response
    user = by_id(USERS).get(user_id)
    if user is None:
        raise NotFound("There is no user with this Discord ID.")
    return jsonify(trustfactor=user.trust_factor, formatted_trustfactor=user.trust_text)


def _is_authorized(state: SandboxState) -> bool:
    """Return whether the request has a valid token or no Authorization header."""
    header = request.headers.get("Authorization")
    if header is None:
        return True
    scheme, _, token = header.partition(" ")
    return scheme.lower() == "bearer" and state.get_token(token.strip()) is not None
