"""The app under attack: the extension, and views that a test can hold in the middle.

Gunicorn imports `server`; the tests that need no server call `create_app`.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachelib import FileSystemCache
from flask import Flask, Response, session
from flask_session import Session
from redis import Redis

from flask_altdentifier import blueprint, current_grant, logout, requires_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Seconds for which a slow view waits for its gate at most.
PATIENCE = 20.0
#: Hosts, and the seconds for which a login begun there is pending.
LIFETIMES = {"app.test": 600, "brief.test": 1, "refreshing.test": 600}


def create_app(config: Mapping[str, Any]) -> Flask:
    """Return an app with the extension, quick views, and views that wait for a gate."""
    app = Flask(__name__)
    app.config["ALTDENTIFIER_CLIENT_ID"] = "the-client"
    app.config["ALTDENTIFIER_CLIENT_SECRET"] = "the-secret"
    app.config["ALTDENTIFIER_AFTER_LOGIN"] = "/after-login"
    app.config.update(config)
    Session(app)
    app.register_blueprint(blueprint)
    _add_quick_views(app)
    _add_slow_views(app)

    @app.after_request
    def tell_process(response: Response) -> Response:
        response.headers["X-Process"] = str(os.getpid())
        return response

    return app


def _add_quick_views(app: Flask) -> None:
    @app.get("/whoami")
    def whoami() -> str:
        return ""

    @app.get("/cart/<thing>")
    def cart(thing: str) -> str:
        session["cart"] = thing
        return thing

    @app.get("/cart")
    def show_cart() -> str:
        return str(session.get("cart"))

    @app.get("/me")
    @requires_scope()
    def me() -> str:
        return current_grant.access_token

    @app.post("/leave")
    def leave() -> str:
        logout()
        return "bye"


def _add_slow_views(app: Flask) -> None:
    @app.get("/slow/read/<gate>")
    def slow_read(gate: str) -> str:
        session.get("cart")
        _wait(gate)
        return str(session.get("cart"))

    @app.get("/slow/write/<gate>")
    def slow_write(gate: str) -> str:
        session["visits"] = session.get("visits", 0) + 1
        _wait(gate)
        session["written"] = gate
        return gate

    @app.get("/slow/guarded/<gate>")
    @requires_scope()
    def slow_guarded(gate: str) -> str:
        session.get("cart")
        _wait(gate)
        return current_grant.access_token


def _wait(gate: str) -> None:
    """Tell the test that the view has begun, and wait until the test lets it end."""
    gates = Path(os.environ["INVARIANTS_GATES"])
    (gates / f"{gate}.begun").touch()
    end = time.monotonic() + PATIENCE
    while not (gates / f"{gate}.open").exists():
        if time.monotonic() > end:
            raise TimeoutError(gate)
        time.sleep(0.002)


def backend(kind: str, directory: Path, socket: str) -> dict[str, Any]:
    """Return the config that keeps sessions and logins in files or on Redis."""
    if kind == "redis":
        quick: dict[str, Any] = {
            "socket_timeout": 0.5,
            "socket_connect_timeout": 0.5,
            "retry": None,
        }
        client = Redis(unix_socket_path=socket, **quick)
        return {"SESSION_TYPE": "redis", "SESSION_REDIS": client}
    return {
        "SESSION_TYPE": "cachelib",
        "SESSION_CACHELIB": file_cache(directory / "sessions"),
        "ALTDENTIFIER_STORE": file_cache(directory / "logins"),
    }


def file_cache(directory: Path, threshold: int = 100_000) -> FileSystemCache:
    """Return a file cache that only its owner can read."""
    return FileSystemCache(str(directory), threshold=threshold, mode=0o600)


def server() -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return the WSGI application for gunicorn: one app for each of the hosts `LIFETIMES`."""
    config = json.loads(os.environ["INVARIANTS_CONFIG"])
    kept = backend(config["backend"], Path(config["directory"]), config["redis_socket"])
    apps = {
        host: create_app(
            {
                **kept,
                "ALTDENTIFIER_BASE_URL": config["provider"],
                "ALTDENTIFIER_CLIENT_ID": f"client of {host}",
                "ALTDENTIFIER_LOGIN_LIFETIME": lifetime,
                "ALTDENTIFIER_REFRESH": host == "refreshing.test",
            }
        )
        for host, lifetime in LIFETIMES.items()
    }

    def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return apps[environ["HTTP_HOST"]](environ, start_response)

    return dispatch
