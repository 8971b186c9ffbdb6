"""Finds mistakes in an app's set-up: for `flask altdentifier check`, and for the log."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

import click
from flask import Flask, current_app, request
from flask.cli import ScriptInfo

from ..errors import ConfigError, StoreUnavailable
from ..installed import installed
from ..urls import is_loopback
from .caches import in_caches
from .config import in_keys, in_late_keys, in_sessions, mended_cookie_name
from .findings import QUICK_REDIS, Finding, Findings, finding
from .provider import at_provider
from .secret_key import in_second_start
from .site import cookie_domain, host_of, in_site, proposed_uri, site_of
from .store import in_store

logger: logging.Logger = logging.getLogger("flask_altdentifier")

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
        found = [*_in_config(app), *in_late_keys(app), *in_store(app)]
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


def look() -> None:
    """Log what the config and this request show of mistakes, each once for each app.

    Sends nothing to the store or to AltDentifier, and logs no text of the request. Raises
    `ConfigError` and `StoreUnavailable` where the store cannot be used, and nothing else.
    """
    try:
        _look()
    except (ConfigError, StoreUnavailable):
        raise
    except Exception as problem:  # no reason to refuse a login
        ours = installed()
        ours.logged = ours.logged or set()
        logger.warning("The set-up could not be looked at (%s).", type(problem).__name__)


def _look() -> None:
    ours, found = installed(), list[Finding]()
    if ours.logged is None:
        found = [*_in_config(current_app), *in_caches(current_app, ours.store.cache)]
    logged = ours.logged = ours.logged or set()  # only now: a store that is down ends this before
    known = logged | {one.code for one in found}
    for one in (*found, *(new for new in _in_request(current_app) if new.code not in known)):
        logged.add(one.code)
        logger.warning("%s: %s Mend: %s", one.code, one.message, one.mend)


def _in_config(app: Flask) -> Findings:
    site = site_of(app)
    yield from in_sessions(app, site)
    yield from in_site(app, site)
    yield from in_keys(app)


def _in_request(app: Flask) -> Findings:
    config, uri = app.config, installed().settings.redirect_uri
    if request.is_secure and not config["SESSION_COOKIE_SECURE"]:
        yield finding("session-secure")
    name = app.session_interface.get_cookie_name(app)
    if len(request.cookies.getlist(name)) > 1:
        evidence = f"The browser sends two cookies of the name {name}"
        yield finding("session-name", evidence=evidence, mended=mended_cookie_name(app))
    if uri is not None:
        yield from _in_host(app, host_of(uri))
    elif request.headers.get("X-Forwarded-Proto") == "https" and not request.is_secure:
        uri = proposed_uri(app).geturl()
        yield finding("proxy", evidence="A proxy says https", uri=uri)


def _in_host(app: Flask, host: str) -> Findings:
    served = host_of(request.host_url)
    if host != served and is_loopback(host) and is_loopback(served):
        mend = f"# open the site on {host}, and nowhere else"
        yield finding("localhost", host=host, served="another loopback name", mend=mend)
    elif served in {f"www.{host}", host.removeprefix("www.")} - {host} and not cookie_domain(app):
        mend = f"# let the server redirect all of {served} to {host}"
        other = f"one was begun on {served}"
        yield finding("redirect-host", host=host, other=other, mend=mend)
