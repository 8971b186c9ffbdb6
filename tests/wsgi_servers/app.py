"""The app that every server runs, with the default store."""

from __future__ import annotations

import os

from flask import Flask, Response

from flask_altdentifier import blueprint, current_grant, requires_scope


def create_app() -> Flask:
    """Return an app whose config and instance folder come from the environment."""
    app = Flask(__name__, instance_path=os.environ["INSTANCE_FOLDER"])
    app.config.from_prefixed_env()
    app.register_blueprint(blueprint)
    app.add_url_rule("/", "home", lambda: "hello")
    app.add_url_rule("/me", "me", requires_scope()(lambda: current_grant.access_token))
    app.after_request(add_process_id)
    return app


def add_process_id(response: Response) -> Response:
    response.headers["X-Process"] = str(os.getpid())
    return response


application = create_app()
