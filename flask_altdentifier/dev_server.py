"""`flask altdentifier dev`: the app and a sandbox in one terminal.

The first process runs the sandbox and Werkzeug's reloader. The reloader runs the app in a child
process, and restarts that process after each change. So the sandbox keeps its logins and settings.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from flask import Config as FlaskConfig
from flask import Flask
from flask.cli import ScriptInfo, run_command
from werkzeug.serving import is_running_from_reloader

from .config import Config, config_keys, key_name
from .diagnostics import explain_load_error
from .diagnostics.findings import Finding, finding
from .sandbox import Client, make_server
from .sandbox.serve import DEFAULT_PORT, HOST, listen
from .state import find_state, get_state, key_prefix
from .urls import is_loopback_url
from .webhooks.endpoint import WebhookBlueprint

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

#: Replaces the app's settings for production, so that cookies work on http and on any local host.
LOCAL_CONFIG: dict[str, Any] = {
    "SESSION_COOKIE_DOMAIN": None,
    "SESSION_COOKIE_PATH": "/",
    "SESSION_COOKIE_SECURE": False,
    # The sandbox leads back to these only, and a website must not read the debugger's pages by a
    # name of its own that it points at this machine (DNS rebinding).
    "TRUSTED_HOSTS": [".localhost", HOST],
}
#: Environment variable that passes the sandbox's URL and client to the restarted app, as JSON.
_VARIABLE = "_FLASK_ALTDENTIFIER_DEV"


def run_dev_server(load: Callable[[], Flask], port: int, sandbox_port: int | None) -> None:
    """Run the app that *load* returns and a sandbox, until Ctrl+C.

    Raises `click.ClickException` with one line if the app or the sandbox cannot start.
    """
    os.environ["FLASK_DEBUG"] = "1"
    if is_running_from_reloader():
        values: dict[str, str] = json.loads(os.environ[_VARIABLE])
        set_defaults(values)
        _serve(lambda: _reload(load, values), port)
        return
    values = {
        "client_id": "dev-app",
        "client_secret": secrets.token_urlsafe(24),
        "webhook_secret": secrets.token_urlsafe(24),
    }
    set_defaults(values)
    app = _load_first(load)
    config = get_state(app).config
    values.update(client_id=config.client_id, client_secret=config.client_secret)
    port = _find_port(port)
    client = Client(
        config.client_id,
        config.client_secret,
        name=app.name,
        webhook_url=_webhook_url(app, port),
        # Never the app's own secret, because every process on this machine can make the sandbox
        # sign events.
        webhook_secret=values["webhook_secret"],
    )
    server = _make_sandbox(_sandbox_port(config) if sandbox_port is None else sandbox_port, client)
    values["base_url"] = f"http://{HOST}:{server.port}"
    os.environ[_VARIABLE] = json.dumps(values)
    Thread(target=server.serve_forever, daemon=True).start()
    click.echo(f"App:     http://{HOST}:{port}{_first_page(app)}")
    click.echo(f"Sandbox: {values['base_url']}/  (a local AltDentifier: anybody can log in)")
    _serve(lambda: app, port)


def _serve(load: Callable[[], Flask], port: int) -> None:
    """Serve as `flask run` does. After a change, the debugger shows an error until it is fixed."""
    info = ScriptInfo(create_app=load)
    run_command.main(["--port", str(port)], obj=info, standalone_mode=False)


def set_defaults(values: Mapping[str, str]) -> None:
    """Make *values* the default config of every app that is created from now on."""
    defaults = _to_config(values)

    class DevConfig(FlaskConfig):
        def get(self, key: str, default: Any = None) -> Any:
            value = super().get(key)
            # None counts as missing, because apps set keys to the result of os.environ.get().
            return defaults.get(key, default) if value is None else value

    Flask.config_class = DevConfig


def _to_config(values: Mapping[str, str]) -> dict[str, str]:
    """Return *values* under the names of their config keys."""
    return {key_name(key): values[key.name] for key in config_keys() if key.name in values}


def _load_first(load: Callable[[], Flask]) -> Flask:
    try:
        app = load()
    except Exception as error:
        raise _one_line(explain_load_error(error)) from None
    if find_state(app) is None:
        raise _one_line(finding("blueprint-missing"))
    return app


def _one_line(found: Finding) -> click.ClickException:
    return click.ClickException(f"{found.title.removesuffix('.')}. Fix: {found.fix}")


def _find_port(port: int) -> int:
    """Return *port*, or any free port for 0. Raises `click.ClickException` if it is in use."""
    try:
        with listen(port) as listener:
            return int(listener.getsockname()[1])
    except OSError as error:
        raise click.ClickException(f"{error} Choose another with --port.") from None


def _first_page(app: Flask) -> str:
    """Return the path of a page of *app* to open first: `/`, or else the first one without values.

    Returns `/` if there is none.
    """
    ours = f"{get_state(app).name}."
    paths = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.arguments
        and not rule.endpoint.startswith(ours)
    ]
    return "/" if "/" in paths else next(iter(paths), "/")


def _webhook_url(app: Flask, port: int) -> str:
    """Return the URL of the webhook of *app*, or an empty string if it has none."""
    for rule in app.url_map.iter_rules():
        blueprint = app.blueprints.get(rule.endpoint.rpartition(".")[0])
        if isinstance(blueprint, WebhookBlueprint):
            return f"http://{HOST}:{port}{rule.rule}"
    return ""


def _sandbox_port(config: Config) -> int:
    """Return the port of a local `ALTDENTIFIER_BASE_URL`, else the default."""
    port = urlsplit(config.base_url).port if is_loopback_url(config.base_url) else None
    return port or DEFAULT_PORT


def _make_sandbox(port: int, client: Client) -> BaseWSGIServer:
    try:
        return make_server(port, [client])
    except OSError as error:
        raise click.ClickException(f"{error} Choose another with --sandbox-port.") from None


def _reload(load: Callable[[], Flask], values: Mapping[str, str]) -> Flask:
    """Load the app after a change."""
    app = load()
    config = get_state(app).config
    _use_sandbox(app, values)
    if (config.client_id, config.client_secret) != (values["client_id"], values["client_secret"]):
        click.echo("The client ID or secret has changed. Fix: stop and start `dev` again.")
    return app


def _use_sandbox(app: Flask, values: Mapping[str, str]) -> None:
    """Make *app* use the sandbox instead of its configured server, at any local address."""
    state = get_state(app)
    state.config = replace(
        state.config,
        base_url=values["base_url"],
        redirect_uri=None,
        webhook_secret=(values["webhook_secret"],),
    )
    state.key_prefix = key_prefix(app, state.config)
    app.config.update(LOCAL_CONFIG, **_to_config(values))
