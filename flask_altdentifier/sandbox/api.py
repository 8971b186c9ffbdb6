"""The HTTP API: the one endpoint that public clients show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import NotFound, Unauthorized

from .failures import Failure, answer_of
from .people import USERS, by_id
from .state import sandbox_state

if TYPE_CHECKING:
    from .state import State

blueprint: Blueprint = Blueprint("api", __name__)


@blueprint.get("/api/v2/user/<user_id>/trustfactor")
def trust_factor(user_id: str) -> Response:
    """Tell how much a user is trusted, unless the switch for failures says otherwise.

    Older public clients send no token, so none is needed; one that is sent has to be good.
    """
    state = sandbox_state(current_app)
    if state.failure is Failure.UNAUTHORIZED or not _is_welcome(state):
        raise _unauthorized()
    if state.failure is not Failure.BAD_REQUEST:  # which is about codes
        failed = answer_of(state.failure, state.slow_seconds)
        if failed is not None:
            return failed
    user = by_id(USERS).get(user_id)
    if user is None:
        raise NotFound("There is no user with this id.")
    return jsonify(trustfactor=user.trust_factor, formatted_trustfactor=user.trust)


def _is_welcome(state: State) -> bool:
    """Tell whether the request brings a live token, or no credentials at all."""
    if "Authorization" not in request.headers:
        return True
    sent = request.authorization
    return sent is not None and sent.type == "bearer" and state.token(sent.token or "") is not None


def _unauthorized() -> Unauthorized:
    """Return the answer of RFC 6750 section 3.1."""
    challenge = WWWAuthenticate("bearer", {"error": "invalid_token"})
    return Unauthorized("The token is unknown or has expired.", www_authenticate=challenge)
