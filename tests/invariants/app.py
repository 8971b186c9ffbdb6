"""The app under test, with views that a test can hold in the middle. gunicorn imports `server`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, session

from flask_altdentifier import blueprint, current_grant, logout, requires_scope, webhooks

#: Seconds that a held view waits at most.
PATIENCE = 30.0
BASE_URL = "https://app.test"


def create_app(config: Mapping[str, Any]) -> Flask:
    """Return an app with the extension and the views of the tests."""
    app = Flask(__name__)
    app.config["ALTDENTIFIER_CLIENT_ID"] = "the-client"
    app.config["ALTDENTIFIER_CLIENT_SECRET"] = "the-secret"
    app.config["ALTDENTIFIER_AFTER_LOGIN"] = "/after-login"
    app.config["ALTDENTIFIER_WEBHOOK_SECRET"] = "the-webhook-secret"
    app.config.update(config)
    app.register_blueprint(blueprint)
    app.register_blueprint(webhooks.blueprint)
    app.add_url_rule("/whoami", "whoami", lambda: "")
    app.add_url_rule("/me", "me", requires_scope()(lambda: current_grant.access_token))
    app.add_url_rule("/cart", "cart", lambda: str(session.get("cart")))
    app.add_url_rule("/cart/<item>", "put", lambda item: session.update(cart=item) or item)
    app.add_url_rule("/leave", "leave", leave, methods=["POST"])
    app.add_url_rule("/slow/<kind>/<gate>", "slow", slow)
    app.after_request(add_process_id)
    return app


def slow(kind: str, gate: str) -> str:
    """Read the session, wait for the test, and perhaps write the session."""
    visits = session.get("visits", 0)
    gates = Path(os.environ["INVARIANTS_GATES"])
    (gates / f"{gate}.begun").touch()
    deadline = time.monotonic() + PATIENCE
    while not (gates / f"{gate}.open").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(gate)
        time.sleep(0.002)
    if kind == "write":
        session["visits"] = visits + 1
    return gate


def leave() -> str:
    logout()
    return "bye"


def add_process_id(response: Response) -> Response:
    response.headers["X-Process"] = str(os.getpid())
    return response


def server() -> Flask:
    """Return the WSGI application for gunicorn."""
    config = json.loads(os.environ["INVARIANTS_CONFIG"])
    app = create_app(config["app"])
    if config["preload"]:
        # In the process that forks the workers: it opens store, session and provider.
        client = app.test_client()
        location = client.get("/login", base_url=BASE_URL).headers["Location"]
        state = location.partition("state=")[2].partition("&")[0]
        client.get(f"/callback?code=of-the-master&state={state}", base_url=BASE_URL)
        client.get("/cart/of-the-master", base_url=BASE_URL)
        assert client.get("/me", base_url=BASE_URL).status_code == 200
    return app
