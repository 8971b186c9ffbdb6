"""What is wrong in the config itself: keys, the session's flags and its cookie."""

from __future__ import annotations

import re
from dataclasses import fields
from difflib import SequenceMatcher, get_close_matches

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from ..errors import ConfigError
from ..installed import installed
from ..settings import PREFIX, Settings
from .findings import Findings, finding
from .site import Site, below, cookie_path, in_site, site_of


def in_config(app: Flask) -> Findings:
    """Look at the config, which tells much about the site too."""
    site = site_of(app)
    yield from in_sessions(app, site)
    yield from in_site(app, site)
    yield from in_keys(app)


def in_keys(app: Flask) -> Findings:
    """Look for keys of ours that nothing reads."""
    known = [field.name.upper() for field in fields(Settings)]
    for key in sorted(key for key in app.config if isinstance(key, str)):
        first, _, rest = key.partition("_")
        # The first word may be misspelt too.
        likeness = SequenceMatcher(None, f"{first}_", PREFIX).ratio()
        if (likeness == 1 and rest in known) or likeness < 0.9:
            continue
        meant = get_close_matches(rest, known, 1)
        mend = f"{PREFIX}{meant[0]} = ...  # in place of {key}" if meant else f"# remove {key}"
        yield finding("unknown-key", key=key, mend=mend)


def in_late_keys(app: Flask) -> Findings:
    """Look for keys that were set when the config had been read."""
    read = installed().settings
    try:
        now = Settings.from_config(app.config)
    except ConfigError as problem:
        yield finding("config-late", key=str(problem).partition(" ")[0])
        return
    for field in fields(Settings):
        if getattr(read, field.name) != getattr(now, field.name):
            yield finding("config-late", key=PREFIX + field.name.upper())


def in_sessions(app: Flask, site: Site) -> Findings:
    """Look at the session's flags and its cookie."""
    config = app.config
    if isinstance(app.session_interface, SecureCookieSessionInterface):
        yield finding("session-cookie")
    else:
        yield from _server_side(app)
    yield from _same_site(app, site)
    if not config["SESSION_COOKIE_HTTPONLY"]:
        yield finding("session-httponly")
    if config.get("SESSION_USE_SIGNER"):
        yield finding("secret-key")
    secure = bool(config["SESSION_COOKIE_SECURE"])
    if secure != site.secure:
        yield finding("session-secure" if site.secure else "session-secure-http")
    if site.cookie_path != cookie_path(app):
        yield finding("cookie-path", path=cookie_path(app))
    yield from _cookie_name(app, site)


def _server_side(app: Flask) -> Findings:
    if not hasattr(app.session_interface, "regenerate"):
        yield finding("session-id", name=type(app.session_interface).__name__)
    if app.config["SESSION_REFRESH_EACH_REQUEST"]:
        yield finding("session-refresh")


def _same_site(app: Flask, site: Site) -> Findings:
    value = str(app.config["SESSION_COOKIE_SAMESITE"] or "").lower()
    if value == "strict":
        yield finding("session-samesite")
    elif value == "none" and not site.secure:
        yield finding("session-samesite-none", mend='SESSION_COOKIE_SAMESITE = "Lax"')
    elif value == "none" and not app.config["SESSION_COOKIE_SECURE"]:
        yield finding("session-samesite-none", mend="SESSION_COOKIE_SECURE = True")


def _cookie_name(app: Flask, site: Site) -> Findings:
    name = app.session_interface.get_cookie_name(app)
    mended = mended_cookie_name(app)
    # What each asks for: RFC 6265bis section 4.1.3.
    if name.startswith("__Host-") and (
        not site.secure or site.cookie_domain or site.cookie_path != "/"
    ):
        needs = 'https, SESSION_COOKIE_SECURE, the path "/", and no SESSION_COOKIE_DOMAIN'
        yield finding("session-prefix", name=name, needs=needs, mended=mended)
    elif name.startswith("__Secure-") and not site.secure:
        needs = "https and SESSION_COOKIE_SECURE"
        yield finding("session-prefix", name=name, needs=needs, mended=mended)
    elif name == Flask.default_config["SESSION_COOKIE_NAME"]:
        yield from _usual_name(app, site)


def _usual_name(app: Flask, site: Site) -> Findings:
    root, mended = app.config["APPLICATION_ROOT"].rstrip("/") or "/", mended_cookie_name(app)
    if site.cookie_domain:
        evidence = f"The session cookie goes to all hosts of {site.cookie_domain}"
        yield finding("session-name", evidence=evidence, mended=mended)
    elif below(root, site.cookie_path) and not below(site.cookie_path, root):
        evidence = f"The session cookie is for the whole host, while this app is at {root} only"
        yield finding("session-name", evidence=evidence, mended=mended)


def mended_cookie_name(app: Flask) -> str:
    """Return a name for the session cookie that other apps do not have."""
    return re.sub(r"\W", "_", app.name, flags=re.ASCII) + "_session"
