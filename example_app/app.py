"""The app factory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_session import Session

from flask_altdentifier import blueprint, current_grant

from . import api, events, headers, pages, storage


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return the app, configured by the environment, and by *config*, which wins.

    `FLASK_ALTDENTIFIER_CLIENT_ID` and `FLASK_ALTDENTIFIER_CLIENT_SECRET` are required.
    `FLASK_ALTDENTIFIER_WEBHOOK_SECRET` adds the webhook. `REDIS_URL` keeps logins on Redis; without
    it they are in files below `FLASK_DATA_DIR`, whose default is Flask's instance folder. Raises
    `flask_altdentifier.errors.ConfigError` for a config that cannot work.
    """
    app = Flask(__name__)
    app.config.update(
        DATA_DIR=app.instance_path,
        REDIS_URL=os.environ.get("REDIS_URL"),
        SESSION_COOKIE_NAME="gatehouse_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,  # a request that only reads writes no session
        PERMANENT_SESSION_LIFETIME=24 * 60 * 60,  # seconds; a login lasts as long as its grant
    )
    app.config.from_prefixed_env()  # on https: FLASK_SESSION_COOKIE_SECURE=true
    app.config.from_mapping(config)

    storage.configure(app)
    Session(app)
    app.register_blueprint(blueprint)  # /login, /callback and /logout
    events.install(app)  # /webhook
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_error_handler(404, pages.not_found)
    app.after_request(headers.harden)
    app.jinja_env.globals["current_grant"] = current_grant
    return app
