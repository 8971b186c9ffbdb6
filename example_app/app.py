"""The app factory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from flask_altdentifier import blueprint, current_grant

from . import headers, members, pages


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the app.

    `FLASK_ALTDENTIFIER_CLIENT_ID` and `FLASK_ALTDENTIFIER_CLIENT_SECRET` are required.
    `FLASK_ALTDENTIFIER_WEBHOOK_SECRET` adds the webhook. The files of the logins and the members
    are in the instance folder, or in `FLASK_INSTANCE_PATH`.

    Args:
        config: Config values, which override the `FLASK_*` environment variables.

    Raises:
        flask_altdentifier.errors.ConfigError: The config is not valid.
    """
    config = config or {}
    folder = config.get("INSTANCE_PATH") or os.environ.get("FLASK_INSTANCE_PATH")
    app = Flask(__name__, instance_path=folder)
    app.name = "Gatehouse"  # the sandbox shows this name
    app.config.from_prefixed_env()
    app.config.from_mapping(config)
    Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)

    app.register_blueprint(blueprint)  # /login, /callback and /logout
    members.install(app)  # /webhook
    app.register_blueprint(pages.blueprint)
    app.after_request(headers.add_security_headers)
    app.jinja_env.globals["current_grant"] = current_grant
    return app
