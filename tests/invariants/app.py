"""The app under test: views that answer at once, and views that a test holds in the middle.

gunicorn imports `server`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, session

from flask_altdentifier import blueprint, current_grant, logout, requires_scope

#: Seconds that a held view waits at most.
PATIENCE = 30.0
#: Hosts, and the seconds that a login may take there.
LOGIN_LIFETIMES = {"app.test": 600, "brief.test": 1}


def create_app(config: Mapping[str, Any]) -> Flask:
    """Return an app with the extension and the views of the tests."""
    app = Flask(__name__)
    app.config["ALTDENTIFIER_CLIENT_ID"] = "the-client"
    app.config["ALTDENTIFIER_CLIENT_SECRET"] = "the-secret"
    app.config["ALTDENTIFIER_AFTER_LOGIN"] = "/after-login"
    app.config.update(config)
    app.register_blueprint(blueprint)
    app.add_url_rule("/whoami", "whoami", lambda: "")
    app.add_url_rule("/me", "me", requires_scope()(lambda: current_grant.access_token))
    app.add_url_rule("/cart", "show_cart", lambda: str(session.get("cart")))
    app.add_url_rule("/cart/<item>", "cart", put_into_cart)
    app.add_url_rule("/leave", "leave", leave, methods=["POST"])
    app.add_url_rule("/slow/read/<gate>", "slow_read", slow_read)
    app.add_url_rule("/slow/write/<gate>", "slow_write", slow_write)
    app.add_url_rule("/slow/guarded/<gate>", "slow_guarded", requires_scope()(slow_guarded))
    app.after_request(add_process_id)
    return app


def put_into_cart(item: str) -> str:
    session["cart"] = item
    return item


def leave() -> str:
    logout()
    return "bye"


def slow_read(gate: str) -> str:
    session.get("cart")
    wait_for(gate)
    return str(session.get("cart"))


def slow_write(gate: str) -> str:
    session["visits"] = session.get("visits", 0) + 1
    wait_for(gate)
    session["written"] = gate
    return gate


def slow_guarded(gate: str) -> str:
    session["seen"] = current_grant.access_token[:3]
    wait_for(gate)
    return current_grant.access_token


def wait_for(gate: str) -> None:
    """Tell the test that the view has begun, and wait until the test opens the gate."""
    gates = Path(os.environ["INVARIANTS_GATES"])
    (gates / f"{gate}.begun").touch()
    deadline = time.monotonic() + PATIENCE
    while not (gates / f"{gate}.open").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(gate)
        time.sleep(0.002)


def add_process_id(response: Response) -> Response:
    response.headers["X-Process"] = str(os.getpid())
    return response


def server() -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return the WSGI application for gunicorn: one app for each host of `LOGIN_LIFETIMES`."""
    config = json.loads(os.environ["INVARIANTS_CONFIG"])
    apps = {
        host: create_app(
            {
                **config["app"],
                "ALTDENTIFIER_CLIENT_ID": f"client of {host}",
                "ALTDENTIFIER_LOGIN_LIFETIME": lifetime,
            }
        )
        for host, lifetime in LOGIN_LIFETIMES.items()
    }
    if config["preload"]:
        # In the process that forks the workers: it opens store and provider.
        log_in_once(apps["app.test"])

    def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return apps[environ["HTTP_HOST"]](environ, start_response)

    return dispatch


def log_in_once(app: Flask) -> None:
    client = app.test_client()
    location = client.get("/login", base_url="https://app.test").headers["Location"]
    state = location.partition("state=")[2].partition("&")[0]
    callback = f"/callback?code=of-the-master&state={state}"
    assert client.get(callback, base_url="https://app.test").status_code == 303
    assert client.get("/me", base_url="https://app.test").status_code == 200
    client.get("/cart/of-the-master", base_url="https://app.test")
