"""The `flask altdentifier` commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click
from flask import Flask
from flask.cli import ScriptInfo
from flask.globals import app_ctx

from .errors import ConfigError
from .installed import installed
from .integration import integration_url

if TYPE_CHECKING:
    from .sandbox import Client


def _app(context: click.Context) -> Flask:
    """Return the current app where there is one, else load it."""
    if app_ctx:
        return app_ctx.app
    return context.ensure_object(ScriptInfo).load_app()


def with_app(command: Callable[..., None]) -> Callable[..., None]:
    """Run *command* in the app; a `ConfigError` is one line in place of a traceback.

    Not Flask's `with_appcontext`, which shows the traceback.
    """

    @click.pass_context
    def run(context: click.Context, /, *args: Any, **options: Any) -> None:
        try:
            with _app(context).app_context():
                command(*args, **options)
        except ConfigError as problem:
            raise click.ClickException(str(problem)) from None

    return update_wrapper(run, command)


@click.command()
@click.option("--guild-id", metavar="ID", help="Snowflake of the server to add to.")
@with_app
def link(guild_id: str | None) -> None:
    """Print the link by which a server owner adds this application."""
    try:
        click.echo(integration_url(guild_id))
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--guild-id") from None


@click.command()
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535))
@with_app
def sandbox(port: int) -> None:
    """Run a local AltDentifier that knows this app's client."""
    from .sandbox.serve import bind, serve

    try:
        server = bind(port, [_client()])
    except OSError as problem:
        raise click.ClickException(f"{problem} Choose another with --port.") from None
    url = f"http://127.0.0.1:{server.port}"
    click.echo(f"Sandbox on {url}/ (press Ctrl+C to stop)")
    click.echo(f"Run the app with FLASK_ALTDENTIFIER_BASE_URL={url}")
    serve(server)


def _client() -> Client:
    """Return this app's client, for the sandbox."""
    from .sandbox import Client

    settings = installed().settings
    uris = () if settings.redirect_uri is None else (settings.redirect_uri,)
    try:
        return Client(
            settings.client_id,
            settings.client_secret,
            redirect_uris=uris,
            webhook_secret=settings.webhook_secret or "",
        )
    except ValueError as problem:
        raise click.ClickException(f"ALTDENTIFIER_REDIRECT_URI: {problem}") from None


@click.command()
@click.option("--offline", is_flag=True, help="Ask AltDentifier nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects.")
@click.pass_context
def check(context: click.Context, *, offline: bool, as_json: bool) -> None:
    """Look for mistakes before the first login does. Exit 1 if there are any."""
    from .check import broken, find, quiet, show

    # What another has pushed may be another app than the one that a second start would load.
    script = None if app_ctx else context.ensure_object(ScriptInfo)
    environ = os.environ.copy()  # before the app is loaded, which may change it
    try:
        with quiet():
            found = find(_app(context), offline=offline, script=script, environ=environ)
    except ConfigError as problem:
        found = [broken(problem)]
    show(found, as_json=as_json)
    sys.exit(1 if found else 0)


commands: tuple[click.Command, ...] = (check, link, sandbox)
