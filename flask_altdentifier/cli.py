"""The `flask altdentifier` commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo
from flask.globals import app_ctx

from .current_grant import logout_all as end_all_logins
from .errors import ConfigError, StoreUnavailable
from .integration import integration_url


def load_app(context: click.Context) -> Flask:
    """Return the current app if there is one, else load it as `flask` does."""
    if app_ctx:
        return app_ctx.app
    return context.ensure_object(ScriptInfo).load_app()


def with_app(command: Callable[..., None]) -> Callable[..., None]:
    """Run *command* in the app's context. A `ConfigError` is one line instead of a traceback.

    Flask's own `with_appcontext` shows the traceback.
    """

    @click.pass_context
    def run(context: click.Context, /, *args: Any, **options: Any) -> None:
        try:
            with load_app(context).app_context():
                command(*args, **options)
        except ConfigError as error:
            raise click.ClickException(str(error)) from None

    return update_wrapper(run, command)


@click.command()
@click.option("--guild-id", metavar="ID", help="Discord ID of the server to add to.")
@with_app
def link(guild_id: str | None) -> None:
    """Print the link by which a server owner adds this application."""
    try:
        click.echo(integration_url(guild_id))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--guild-id") from None


@click.command("logout-all")
@click.confirmation_option(prompt="End every login of this app?")
@with_app
def logout_all() -> None:
    """End every login of this app."""
    try:
        count = end_all_logins()
    except StoreUnavailable:
        raise click.ClickException(
            "The store does not answer. Start it, or correct ALTDENTIFIER_STORE, and try again."
        ) from None
    click.echo(f"{count} login{'' if count == 1 else 's'} ended.")


commands: tuple[click.Command, ...] = (link, logout_all)
