"""The sandbox as a Flask app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2 import OAuth2Error
from flask import Flask
from werkzeug.exceptions import HTTPException

from . import api, authorize, control, exchange, pages, webhooks
from .clients import clients_from
from .server import SERVER, Server
from .state import STATE, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clients import Clients


def create_app(clients: Clients | None = None, *, config: Mapping[str, Any] | None = None) -> Flask:
    """Return a new sandbox that knows *clients* and nothing else.

    *clients* is a mapping of client id to secret, or an iterable of `Client` or of dicts with its
    fields; None means one client, ``sandbox`` with the secret ``sandbox-secret``. Raises
    `ValueError` for a client that makes no sense.

    *config* is Flask's, and one key of the sandbox's own: ``LOOPBACK_ONLY`` (False; `run` sets it)
    keeps clients that registered no redirect URI to redirect URIs on this machine.

    What happens in the sandbox is in its `sandbox_state`.
    """
    app = Flask("flask_altdentifier.sandbox")
    app.config.from_mapping(LOOPBACK_ONLY=False, MAX_CONTENT_LENGTH=64 * 1024)
    app.config.from_mapping(config)

    state = State(clients_from(clients))
    app.extensions[STATE] = state
    app.extensions[SERVER] = Server(app, state)

    app.register_blueprint(control.blueprint)
    app.register_blueprint(authorize.blueprint)
    app.register_blueprint(exchange.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.register_error_handler(HTTPException, pages.problem)
    app.register_error_handler(OAuth2Error, pages.oauth_problem)
    app.after_request(pages.harden)
    return app
