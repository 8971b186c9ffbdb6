"""`flask altdentifier dev`: the app and a sandbox in one terminal.

The first process runs the sandbox and Werkzeug's reloader. The reloader runs the app in a child
process, and restarts that process after each change. So the sandbox keeps its logins and settings.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from flask import Config, Flask
from werkzeug.serving import is_running_from_reloader, run_simple

from .diagnostics import explain_load_error
from .diagnostics.findings import Finding, finding
from .sandbox import Client, make_server
from .sandbox.serve import DEFAULT_PORT
from .state import find_state, get_state, key_prefix
from .urls import is_loopback
from .webhooks.endpoint import WebhookBlueprint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from werkzeug.serving import BaseWSGIServer

HOST = "127.0.0.1"
#: Replaces the app's settings for production, so that cookies work on http and on any local host.
LOCAL_CONFIG: dict[str, Any] = {
    "SESSION_COOKIE_DOMAIN": None,
    "SESSION_COOKIE_PATH": "/",
    "SESSION_COOKIE_SECURE": False,
    # The sandbox leads back to these only, and a website must not read the debugger's pages by a
    # name of its own that it points at this machine (DNS rebinding).
    "TRUSTED_HOSTS": [".localhost", HOST],
}
#: Environment variable that passes the sandbox's URL and client to the processes of the app.
_VARIABLE = "_FLASK_ALTDENTIFIER_DEV"


def run_dev_server(load: Callable[[], Flask], port: int, sandbox_port: int | None) -> None:
    """Run the app that *load* returns and a sandbox, until Ctrl+C.

    Raises `click.ClickException` with one line if the app or the sandbox cannot start.
    """
    os.environ["FLASK_DEBUG"] = "1"
    if is_running_from_reloader():
        shared: dict[str, str] = json.loads(os.environ[_VARIABLE])
        _fill_in_config(shared)
        _serve(_reload(load, shared), port)
        return
    shared = {f"{name}_secret": secrets.token_urlsafe(24) for name in ("client", "webhook")}
    _fill_in_config({"client_id": "dev-app", **shared})
    app = _load_first(load)
    port = _free_port(port)
    server = _make_sandbox(app, port, sandbox_port, shared)
    Thread(target=server.serve_forever, daemon=True).start()
    click.echo(f"App:     http://{HOST}:{port}/")
    click.echo(f"Sandbox: {shared['base_url']}/  (a local AltDentifier: anybody can log in)")
    os.environ[_VARIABLE] = json.dumps(shared)
    _serve(app, port)


def _serve(app: WSGIApplication, port: int) -> None:
    run_simple(HOST, port, app, use_reloader=True, use_debugger=True, threaded=True)


def _fill_in_config(made_up: Mapping[str, str]) -> None:
    """Make *made_up* the default config of every app that is created from now on."""
    values = {
        f"ALTDENTIFIER_{name.upper()}": made_up[name]
        for name in ("client_id", "client_secret", "webhook_secret")
    }

    class DevConfig(Config):
        """Replaces None too, which `os.environ.get()` returns."""

        def get(self, key: str, default: Any = None) -> Any:
            value = super().get(key, values.get(key))
            return values.get(key, default) if value is None else value

    Flask.config_class = DevConfig


def _load_first(load: Callable[[], Flask]) -> Flask:
    try:
        app = load()
    except Exception as error:
        raise _one_line(explain_load_error(error)) from None
    if find_state(app) is None:
        raise _one_line(finding("blueprint-missing"))
    return app


def _one_line(found: Finding) -> click.ClickException:
    return click.ClickException(f"{found.title} Fix: {found.fix}")


def _free_port(port: int) -> int:
    """Return *port*, or any free port for 0."""
    try:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            return int(listener.getsockname()[1])
    except OSError as error:
        raise click.ClickException(
            f"Port {port} cannot be used: {error.strerror}. Choose another with --port."
        ) from None


def _make_sandbox(
    app: Flask, port: int, sandbox_port: int | None, shared: dict[str, str]
) -> BaseWSGIServer:
    """Return a sandbox that knows the client of *app*. Adds its URL and client to *shared*."""
    config = get_state(app).config
    base_url = urlsplit(config.base_url)
    if sandbox_port is None:
        is_local = is_loopback(base_url.hostname or "")
        sandbox_port = base_url.port if is_local and base_url.port else DEFAULT_PORT
    shared.update(client_id=config.client_id, client_secret=config.client_secret)
    client = Client(
        config.client_id,
        config.client_secret,
        name=app.name,
        webhook_url=_webhook_url(app, port),
        # Never the app's own secret, because every process on this machine can make the sandbox
        # sign events.
        webhook_secret=shared["webhook_secret"],
    )
    try:
        server = make_server(sandbox_port, [client])
    except OSError as error:
        raise click.ClickException(f"{error} Choose another with --sandbox-port.") from None
    shared["base_url"] = f"http://{HOST}:{server.port}"
    return server


def _webhook_url(app: Flask, port: int) -> str:
    names = [n for n, b in app.blueprints.items() if isinstance(b, WebhookBlueprint)]
    rules = [
        rule
        for name in names
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(f"{name}.")
    ]
    return f"http://{HOST}:{port}{rules[0].rule}" if rules else ""


def _use_sandbox(app: Flask, shared: Mapping[str, str]) -> None:
    """Make *app* use the sandbox instead of its configured server, at any local address."""
    state = get_state(app)
    state.config = replace(
        state.config,
        base_url=shared["base_url"],
        redirect_uri=None,
        webhook_secret=(shared["webhook_secret"],),
    )
    state.key_prefix = key_prefix(app, state.config)
    app.config.update(LOCAL_CONFIG, ALTDENTIFIER_BASE_URL=shared["base_url"])


def _reload(load: Callable[[], Flask], shared: Mapping[str, str]) -> WSGIApplication:
    """Load the app after a change. The debugger shows an error until it is corrected."""
    try:
        app = load()
        client = get_state(app).config
        _use_sandbox(app, shared)
    except Exception as caught:
        traceback.print_exc()
        error = caught

        def failed(_: WSGIEnvironment, __: StartResponse) -> list[bytes]:
            raise error from None

        return failed
    if (client.client_id, client.client_secret) != (shared["client_id"], shared["client_secret"]):
        click.echo("The client ID or secret has changed. Fix: stop and start `dev` again.")
    return app
