"""The `flask altdentifier` commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo
from flask.globals import app_ctx

from .current_grant import logout_all as end_all_logins
from .errors import ConfigError, StoreUnavailable
from .integration import integration_url
from .state import get_state
from .urls import is_loopback_url, parse_absolute_url

if TYPE_CHECKING:
    from .sandbox import Client

PORT = click.IntRange(0, 65535)


def load_app(context: click.Context) -> Flask:
    """Return the current app if there is one, else load it as `flask` does."""
    if app_ctx:
        return app_ctx.app
    return context.ensure_object(ScriptInfo).load_app()


def with_app(command: Callable[..., None]) -> Callable[..., None]:
    """Run *command* in the app's context, and print a `ConfigError` as one line.

    Flask's own `with_appcontext` prints a traceback.
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
@click.option("--port", default=5000, show_default=True, type=PORT, help="Port of the app.")
@click.option(
    "--sandbox-port",
    type=PORT,
    help="Port of the sandbox.  [default: port of a local ALTDENTIFIER_BASE_URL, else 8400]",
)
@click.pass_context
def dev(context: click.Context, *, port: int, sandbox_port: int | None) -> None:
    """Run the app and a sandbox beside it, until Ctrl+C.

    The app runs as with `flask run --debug`, and logs in at the sandbox. Client ID, client secret
    and webhook secret are made up if they are not set.
    """
    from .dev_server import run_dev_server

    run_dev_server(lambda: load_app(context), port, sandbox_port)


@click.command()
@click.option("--port", default=8400, show_default=True, type=PORT, help="0 is any free port.")
def sandbox(port: int) -> None:
    """Run a sandbox: a local AltDentifier that knows this app's client.

    Client ID and secret are made up if they are not set.
    """
    from .dev_server import set_defaults
    from .sandbox.clients import DEFAULT_CLIENT

    made_up = {
        "client_id": DEFAULT_CLIENT.client_id,
        "client_secret": DEFAULT_CLIENT.client_secret,
    }
    config_class = Flask.config_class
    set_defaults(made_up)
    try:
        _serve_sandbox(port, made_up)
    finally:  # for a process that goes on, such as a test of the command
        Flask.config_class = config_class


@with_app
def _serve_sandbox(port: int, made_up: Mapping[str, str]) -> None:
    from .sandbox import make_server, serve

    try:
        server = make_server(port, [_sandbox_client()])
    except OSError as error:
        raise click.ClickException(f"{error} Choose another with --port.") from None
    url = f"http://127.0.0.1:{server.port}"
    click.echo(f"Sandbox on {url}/ (press Ctrl+C to stop)")
    click.echo("Run the app with these settings:")
    click.echo(f"FLASK_ALTDENTIFIER_BASE_URL={url}")
    for name, value in made_up.items():
        if getattr(get_state().config, name) == value:
            click.echo(f"FLASK_ALTDENTIFIER_{name.upper()}={value}")
    serve(server)


def _sandbox_client() -> Client:
    """Return this app's client.

    Any process on this machine can make the sandbox sign events. So the client has the app's own
    webhook secret only if `ALTDENTIFIER_BASE_URL` is local.
    """
    from .sandbox import Client

    config = get_state().config
    secrets = config.webhook_secret or ("",)
    try:
        return Client(
            config.client_id,
            config.client_secret,
            name=current_app.name,
            redirect_uris=() if config.redirect_uri is None else (config.redirect_uri,),
            webhook_secret=secrets[0] if is_loopback_url(config.base_url) else "",
        )
    except ValueError as error:
        raise click.ClickException(f"ALTDENTIFIER_REDIRECT_URI: {error}") from None


def _validate_codes(
    _context: click.Context, _option: click.Parameter, codes: tuple[str, ...]
) -> tuple[str, ...]:
    from .diagnostics.findings import PROBLEMS

    for code in codes:
        if code not in PROBLEMS:
            closest = "".join(f" Did you mean {c}?" for c in get_close_matches(code, PROBLEMS, 1))
            raise click.BadParameter(f"There is no code {code}.{closest}")
    return codes


def _validate_site(
    _context: click.Context, _option: click.Parameter, url: str | None
) -> str | None:
    if url is not None and (parse_absolute_url(url) is None or "?" in url):
        raise click.BadParameter("Write the address of the site, such as https://example.com")
    return url


@click.command()
@click.option(
    "--site", metavar="URL", callback=_validate_site, help="Test the login of a running site."
)
@click.option(
    "--production", is_flag=True, help="Check for production. A public redirect URI implies it."
)
@click.option("--offline", is_flag=True, help="Contact neither the store nor AltDentifier.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--fail-level",
    type=click.Choice(["error", "warning"]),
    default="error",
    show_default=True,
    help="Exit 1 if there is a finding of this level or above.",
)
@click.option(
    "--ignore",
    metavar="CODE",
    multiple=True,
    callback=_validate_codes,
    help="Hide a finding. Can be repeated.",
)
@click.pass_context
def check(
    context: click.Context,
    *,
    site: str | None,
    production: bool,
    offline: bool,
    as_json: bool,
    fail_level: str,
    ignore: tuple[str, ...],
) -> None:
    """Find configuration problems of the app.

    With --site, test a running site instead, with 20 logins and without an account. This needs no
    app, and shows whether browser, proxy, workers and store work together. Exits with status 1
    if a login fails, even if --ignore hides the cause.
    """
    from .diagnostics import check_site, load_and_check
    from .diagnostics.report import exit_code, print_json, print_text, select

    if site is None:
        found = load_and_check(lambda: load_app(context), offline=offline, production=production)
        summary, is_complete = "", True
    elif offline or production:
        raise click.UsageError("--site cannot be combined with --offline or --production.")
    else:
        canary = check_site(site)
        found, summary, is_complete = canary.findings, canary.summary, canary.is_complete
    shown = select(found, ignore)
    if as_json:
        print_json(shown)
    else:
        print_text(shown, hidden=len(found) - len(shown), summary=summary)
    sys.exit(exit_code(shown, fail_level) if is_complete else 1)


@click.command()
@click.option("--guild-id", metavar="ID", help="Discord ID of the server.")
@with_app
def link(guild_id: str | None) -> None:
    """Print the link that a server owner opens to add this application."""
    try:
        click.echo(integration_url(guild_id))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--guild-id") from None


@click.command("logout-all")
@click.confirmation_option(prompt="End every login of this app?")
@with_app
def logout_all() -> None:
    """End every login of this app."""
    from .diagnostics.store import sqlite_path

    store = get_state().get_store()
    path = sqlite_path(store)
    count, label = 0, "Store"
    try:
        if path is not None:
            path.stat()  # the first use would create the file for this user, not for the workers
        count = end_all_logins()
    except FileNotFoundError:
        label = "There is no store yet"
    except (OSError, StoreUnavailable):
        raise click.ClickException(
            "The store does not answer. Start its server or correct ALTDENTIFIER_STORE, then try "
            "again."
        ) from None
    click.echo(f"{count} login{'' if count == 1 else 's'} ended.")
    click.echo(f"{label}: {type(store).__name__} {path or ''}".rstrip())


commands: tuple[click.Command, ...] = (dev, check, sandbox, link, logout_all)
