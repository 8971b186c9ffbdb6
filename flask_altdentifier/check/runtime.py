"""What can be seen of mistakes in the set-up while logins begin, for the log."""

from __future__ import annotations

import logging

from flask import Flask, current_app, request

from ..errors import ConfigError, StoreUnavailable
from ..installed import Installed, installed
from ..urls import is_loopback
from .caches import in_caches
from .config import in_config, mended_cookie_name
from .findings import Finding, Findings, finding
from .site import cookie_domain, host_of, proposed_uri

logger: logging.Logger = logging.getLogger("flask_altdentifier")

#: Ways to the site (scheme, host, what a proxy says) that are looked at; visitors can make up any
#: number.
MAX_WAYS = 20


def look() -> None:
    """Log what the config and this request show of mistakes, each once for each app.

    Each of a few ways to this site is looked at once. Sends nothing to the store or to
    AltDentifier, and logs no text of the request. Raises `ConfigError` and `StoreUnavailable` where
    the store cannot be used, and nothing else.
    """
    ours = installed()
    way = (request.scheme, request.host, request.headers.get("X-Forwarded-Proto"))
    if way in ours.ways or len(ours.ways) >= MAX_WAYS:
        return
    try:
        _look(ours)
    except (ConfigError, StoreUnavailable):
        raise
    except Exception as problem:  # no reason to refuse a login
        ours.logged = ours.logged or set()
        logger.warning("The set-up could not be looked at (%s).", type(problem).__name__)
    ours.ways.add(way)


def _look(ours: Installed) -> None:
    found = list[Finding]()
    if ours.logged is None:
        found = [*in_config(current_app), *in_caches(current_app, ours.store.cache)]
    logged = ours.logged = ours.logged or set()  # only now: a store that is down ends this before
    known = logged | {one.code for one in found}
    for one in (*found, *(new for new in _in_request(current_app) if new.code not in known)):
        logged.add(one.code)
        logger.warning("%s: %s Mend: %s", one.code, one.message, one.mend)


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
