"""The sandbox as a Flask app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from . import api, authorize, control, pages, token_endpoint, webhooks
from .clients import parse_clients
from .oauth.authorization_server import SERVER_KEY, SandboxServer
from .state import STATE_KEY, SandboxState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clients import Clients


def create_app(clients: Clients | None = None, *, config: Mapping[str, Any] | None = None) -> Flask:
    """Return a new sandbox as a Flask app.

    The app itself accepts any `Host` header. `make_server` and `run` serve it to this machine
    only, and set `TRUSTED_HOSTS` and `LOOPBACK_ONLY`.

    Args:
        clients: A mapping of client ID to client secret or to a dict of the other fields of
            `Client`, or an iterable of `Client` or of dicts with its fields. None means one client:
            `sandbox` with `sandbox-secret`.
        config: Values for `app.config`. The sandbox adds the key `LOOPBACK_ONLY` (default False).
            True refuses unregistered redirect URIs on other machines.

    Returns:
        The app. `sandbox_state` returns its state.

    Raises:
        ValueError: A client is not valid, or two clients have the same ID.

    Example::

        app = create_app(clients={"my-app": "not-a-real-secret"})
        sandbox_state(app).failure = Failure.RATE_LIMITED
    """
    app = Flask("flask_altdentifier.sandbox")
    app.config.from_mapping(LOOPBACK_ONLY=False, MAX_CONTENT_LENGTH=64 * 1024)
    app.config.from_mapping(config)

    app.extensions[STATE_KEY] = SandboxState(parse_clients(clients))
    app.extensions[SERVER_KEY] = SandboxServer(app)
    for module in (control, authorize, token_endpoint, api, webhooks):
        app.register_blueprint(module.blueprint)
    app.register_error_handler(HTTPException, pages.render_error)
    app.after_request(pages.add_security_headers)
    return app
