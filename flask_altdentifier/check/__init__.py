"""Finds mistakes in an app's set-up, for `flask altdentifier check`; `runtime` does for the log."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

import click
from flask import Flask
from flask.cli import ScriptInfo

from ..errors import ConfigError
from .config import in_config, in_late_keys
from .findings import QUICK_REDIS, Finding, finding
from .provider import at_provider
from .secret_key import in_second_start
from .store import in_store

_COLORS = {"error": "red", "warning": "yellow"}

#: Each key that can keep the app from starting, with a value that is taken.
EXAMPLES = {
    "ALTDENTIFIER_CLIENT_ID": '"the one on your application\'s page"',
    "ALTDENTIFIER_CLIENT_SECRET": '"the one on your application\'s page"',
    "ALTDENTIFIER_SCOPE": '"read:user"',
    "ALTDENTIFIER_REDIRECT_URI": '"https://YOUR-HOST/callback"',
    "ALTDENTIFIER_BASE_URL": '"https://altdentifier.com"',
    "ALTDENTIFIER_TOKEN_AUTH_METHOD": '"client_secret_post"',
    "ALTDENTIFIER_PKCE": "False",
    "ALTDENTIFIER_REFRESH": "False",
    "ALTDENTIFIER_TIMEOUT": "10.0",
    "ALTDENTIFIER_LOGIN_LIFETIME": "600",
    "ALTDENTIFIER_AFTER_LOGIN": '"/"',
    "ALTDENTIFIER_AFTER_LOGOUT": '"/"',
    "ALTDENTIFIER_STORE": f"RedisCache({QUICK_REDIS})",
    "ALTDENTIFIER_WEBHOOK_SECRET": '"the server\'s signature"',
    "SESSION_KEY_PREFIX": '"session:"',
}


def find(
    app: Flask,
    *,
    offline: bool = False,
    script: ScriptInfo | None = None,
    environ: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Return all mistakes that can be seen in *app*, in which the blueprint is registered.

    Writes a record to the store and a session to its backend, and takes both back; starts the app
    once more where *script* has loaded it, with *environ* or this process's; and asks AltDentifier
    unless *offline*. Raises `ConfigError` where the blueprint is not registered.
    """
    with app.app_context():
        found = [*in_config(app), *in_late_keys(app), *in_store(app)]
        found += [] if script is None else in_second_start(app, script, environ)
        return found if offline else [*found, *at_provider()]


def broken(problem: ConfigError) -> Finding:
    """Return the finding for an app that could not be loaded because of *problem*."""
    named = re.search("|".join(EXAMPLES), str(problem))
    mend = "app.register_blueprint(flask_altdentifier.blueprint)  # once"
    if named:
        mend = f"{named[0]} = {EXAMPLES[named[0]]}"
    return finding("config", problem=problem, mend=mend)


def show(found: list[Finding], *, as_json: bool) -> None:
    """Print findings, one a line, in colours on a terminal; or as a JSON list."""
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    elif not found:
        click.secho("No mistakes found.", fg="green")
    for one in () if as_json else found:
        level = click.style(one.level, fg=_COLORS[one.level], bold=True)
        mend = click.style(one.mend, fg="cyan")
        click.echo(f"{level}: {one.code}: {one.message} Mend: {mend}")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the log from telling what the findings will tell."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)
