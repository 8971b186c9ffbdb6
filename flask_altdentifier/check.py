"""Finds mistakes in an app's set-up: for `flask altdentifier check`, and for the log."""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

import click
from cachelib import FileSystemCache, RedisCache, SimpleCache
from flask import Flask, current_app, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.http import parse_date
from werkzeug.middleware.proxy_fix import ProxyFix

from .errors import ConfigError, ProviderError, ProviderTimeout, StoreUnavailable
from .findings import QUICK_REDIS, Finding, finding
from .installed import installed
from .integration import integration_url
from .settings import PREFIX, Settings
from .urls import is_loopback

if TYPE_CHECKING:
    from .transport import Response

logger: logging.Logger = logging.getLogger("flask_altdentifier")

#: Seconds that this machine's clock may differ from AltDentifier's.
MAX_CLOCK_SKEW = 60
#: Entries that a cache must have room for, so that visitors do not push out logins.
MIN_THRESHOLD = 10_000
#: Seconds within which a store that is down must be noticed.
MAX_STORE_WAIT = 2.0

_COLORS = {"error": "red", "warning": "yellow"}

Findings: TypeAlias = Iterator[Finding]


def find(app: Flask, *, offline: bool = False) -> list[Finding]:
    """Return all mistakes that can be seen in *app*, in which the blueprint is registered.

    Writes a record to the store and takes it back, and asks AltDentifier for its authorize page
    unless *offline*. Raises `ConfigError` where the blueprint is not registered.
    """
    with app.app_context():
        found = [*_in_config(), *_in_store()]
        return found if offline else [*found, *_at_provider()]


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


def look() -> None:
    """Log what the config and this request show of mistakes, each once for each app.

    Sends nothing to the store or to AltDentifier, and logs no text of the request. Raises
    `ConfigError` and `StoreUnavailable` where the store cannot be used.
    """
    app = installed()
    found = [*_in_config(), *_in_caches()] if app.logged is None else []
    logged = app.logged = app.logged or set()  # only now: a store that is down ends this before
    known = logged | {one.code for one in found}
    for one in (*found, *(new for new in _in_request() if new.code not in known)):
        logged.add(one.code)
        logger.warning("%s: %s Mend: %s", one.code, one.message, one.mend)


def _in_config() -> Findings:
    app, settings = current_app, installed().settings
    yield from _session(app)
    yield from _https(app, settings)
    uri = settings.redirect_uri
    if uri is None:
        yield from _proxy(app)
    else:
        yield from _redirect_uri(app, urlsplit(uri))
    yield from _unknown_keys(app)


def _session(app: Flask) -> Findings:
    config = app.config
    if isinstance(app.session_interface, SecureCookieSessionInterface):
        yield finding("session-cookie")
    elif config["SESSION_REFRESH_EACH_REQUEST"]:
        yield finding("session-refresh")
    if str(config["SESSION_COOKIE_SAMESITE"]).lower() == "strict":
        yield finding("session-samesite")
    if not config["SESSION_COOKIE_HTTPONLY"]:
        yield finding("session-httponly")
    if config.get("SESSION_USE_SIGNER"):
        yield finding("secret-key")


def _https(app: Flask, settings: Settings) -> Findings:
    uri, secure = settings.redirect_uri, app.config["SESSION_COOKIE_SECURE"]
    scheme = urlsplit(uri).scheme if uri else app.config["PREFERRED_URL_SCHEME"]
    if scheme == "https" and not secure:
        yield finding("session-secure")
    if uri and scheme == "http" and secure:
        yield finding("session-secure-http")


def _proxy(app: Flask) -> Findings:
    if app.config["PREFERRED_URL_SCHEME"] == "https":
        evidence = "PREFERRED_URL_SCHEME is https"
    elif app.config["SESSION_COOKIE_SECURE"]:
        evidence = "SESSION_COOKIE_SECURE is set"
    elif "FORWARDED_ALLOW_IPS" in os.environ:  # gunicorn's and uvicorn's
        evidence = "FORWARDED_ALLOW_IPS is set"
    else:
        return
    if not _trusts_a_proxy(app):
        yield finding("proxy", evidence=evidence, callback=_callback_path(app))


def _trusts_a_proxy(app: Flask) -> bool:
    layer: Any = app.wsgi_app
    while layer is not None:
        if isinstance(layer, ProxyFix) and layer.x_proto:
            return True
        layer = getattr(layer, "app", None) or getattr(layer, "wsgi_app", None)
    return False


def _callback_path(app: Flask) -> str:
    """Return the callback's path, from the last variable part on."""
    rule = next(app.url_map.iter_rules(f"{installed().name}.callback"))
    return rule.rule.rpartition(">")[2]


def _redirect_uri(app: Flask, uri: SplitResult) -> Findings:
    host, path, callback = uri.hostname or "", unquote(uri.path), _callback_path(app)
    if not path.endswith(callback):
        root = app.config["APPLICATION_ROOT"].rstrip("/")
        mended = uri._replace(path=root + callback, query="").geturl()
        yield finding("redirect-path", callback=callback, uri=mended)
    if uri.scheme == "http" and not is_loopback(host):
        yield finding("redirect-http", uri=uri._replace(scheme="https").geturl())
    cookie_path = app.session_interface.get_cookie_path(app)
    if path != cookie_path and not path.startswith(cookie_path.rstrip("/") + "/"):
        yield finding("cookie-path", path=cookie_path)
    domain = (app.session_interface.get_cookie_domain(app) or "").lstrip(".")
    if domain and not _within(host, domain):
        yield finding("cookie-domain", domain=domain)
    yield from _scheme(app, uri.scheme)
    yield from _host(app, uri.netloc, host)


def _scheme(app: Flask, scheme: str) -> Findings:
    preferred = app.config["PREFERRED_URL_SCHEME"]
    # http is Flask's default, which means nothing until links are made outside of requests.
    if preferred != scheme and (preferred == "https" or app.config["SERVER_NAME"]):
        yield finding("redirect-scheme", scheme=scheme, preferred=preferred)


def _host(app: Flask, netloc: str, host: str) -> Findings:
    server = app.config["SERVER_NAME"]
    # `flask run` listens on 127.0.0.1, and that is the link that it prints.
    served = server or os.environ.get("FLASK_RUN_HOST", host if app.testing else "127.0.0.1")
    name = urlsplit(f"//{served}").hostname or ""
    if is_loopback(host) and is_loopback(name):
        if host != name:
            mend = f'SERVER_NAME = "{netloc}"' if server else f"FLASK_RUN_HOST={host}"
            yield finding("localhost", host=host, served=name, mend=mend)
    elif server and not _within(host, name) and not app.config["SESSION_COOKIE_DOMAIN"]:
        yield finding("redirect-host", host=netloc, server=server)


def _within(host: str, domain: str) -> bool:
    """Tell whether *host* is *domain* or below it (RFC 6265 section 5.1.3)."""
    return host == domain.lower() or host.endswith("." + domain.lower())


def _unknown_keys(app: Flask) -> Findings:
    known = [field.name.upper() for field in fields(Settings)]
    for key in sorted(app.config):
        first, _, rest = key.partition("_")
        # The first word may be misspelt too.
        likeness = SequenceMatcher(None, f"{first}_", PREFIX).ratio()
        if (likeness == 1 and rest in known) or likeness < 0.9:
            continue
        meant = get_close_matches(rest, known, 1)
        mend = f"{PREFIX}{meant[0]} = ...  # in place of {key}" if meant else f"# remove {key}"
        yield finding("unknown-key", key=key, mend=mend)


def _keys(app: Flask) -> tuple[str, str]:
    """Return the config keys that name the store and the cache of the sessions."""
    kind = str(app.config.get("SESSION_TYPE", "")).upper()
    sessions = f"SESSION_{'FILE_DIR' if kind == 'FILESYSTEM' else kind}"
    return sessions if installed().settings.store is None else PREFIX + "STORE", sessions


def _in_store() -> Findings:
    app = current_app
    cookies = isinstance(app.session_interface, SecureCookieSessionInterface)
    if cookies and installed().settings.store is None:
        return  # there is none, and the finding about the sessions says so
    try:
        _try_store()
        yield from _in_caches()
    except ConfigError as problem:
        mend = f"ALTDENTIFIER_STORE = RedisCache({QUICK_REDIS})"
        yield finding("store-config", problem=problem, mend=mend)
    except StoreUnavailable:
        mend = f"{_keys(app)[0]} = ...  # a server or directory that is up"
        yield finding("store-unreachable", mend=mend)


def _try_store() -> None:
    """Write a record and take it back. Raises `ConfigError` and `StoreUnavailable`."""
    store, name = installed().store, secrets.token_hex(16)
    store.put("login", name, name, 60)
    if store.take("login", name, str) != name:
        raise StoreUnavailable


def _in_caches() -> Findings:
    """Look at the store, and at the cache of the sessions where it is another one."""
    app, store = current_app, installed().store.cache
    store_key, sessions_key = _keys(app)
    yield from _cache(app, store, store_key)
    interface: Any = app.session_interface
    sessions = getattr(interface, "cache", None) or getattr(interface, "client", None)
    if _place(sessions) != _place(store):
        yield from _cache(app, sessions, sessions_key)
    elif isinstance(store, FileSystemCache) and not app.testing:
        yield finding("store-shared")


def _place(cache: Any) -> object:
    """Return what two caches have in common that keep their entries in one place."""
    if isinstance(cache, FileSystemCache):
        return os.path.realpath(cache._path)  # noqa: SLF001
    client = _redis_client(cache)
    return cache if client is None else client


def _redis_client(cache: Any) -> Any:
    """Return the redis-py client that is, or is in, *cache*, or None."""
    client = cache._write_client if isinstance(cache, RedisCache) else cache  # noqa: SLF001
    pool = getattr(client, "connection_pool", None)
    # A dict: pymongo's client has any attribute that it is asked for.
    return client if isinstance(getattr(pool, "connection_kwargs", None), dict) else None


def _cache(app: Flask, cache: Any, key: str) -> Findings:
    # Whoever develops or tests runs one process.
    if isinstance(cache, SimpleCache) and not (app.debug or app.testing):
        path = f"/var/lib/app/{key.lower()}"
        mend = f'{key} = FileSystemCache("{path}", threshold=100_000, mode=0o600)'
        yield finding("store-private", key=key, mend=mend)
    bounded = isinstance(cache, (FileSystemCache, SimpleCache))
    threshold = cache._threshold if bounded else 0  # noqa: SLF001
    if 0 < threshold < MIN_THRESHOLD:
        mend = f"{key} = {type(cache).__name__}(..., threshold=100_000)"
        if key == "SESSION_FILE_DIR":
            mend = "SESSION_FILE_THRESHOLD = 100_000"
        yield finding("cache-threshold", key=key, threshold=threshold, mend=mend)
    client = _redis_client(cache)
    if client is not None and _longest_wait(client) > MAX_STORE_WAIT:
        mend = f"RedisCache({QUICK_REDIS})" if key == PREFIX + "STORE" else QUICK_REDIS
        yield finding("redis-timeout", key=key, mend=f"{key} = {mend}")


def _longest_wait(client: Any) -> float:
    """Return for how many seconds a redis-py client waits for a server that is gone."""
    options = client.connection_pool.connection_kwargs
    retries = getattr(options.get("retry"), "_retries", 0)
    waits = [options.get(name) for name in ("socket_timeout", "socket_connect_timeout")]
    endless = retries < 0 or None in waits
    return float("inf") if endless else (1 + retries) * max(waits)


def _at_provider() -> Findings:
    base_url = installed().settings.base_url
    try:
        response = _ask()
    except (ProviderError, ProviderTimeout):
        mend = 'ALTDENTIFIER_BASE_URL = "https://altdentifier.com"  # and let the firewall pass it'
        if is_loopback(urlsplit(base_url).hostname or ""):
            mend = "flask altdentifier sandbox  # in another shell"
        yield finding("provider-unreachable", mend=mend)
        return
    if response.status == 404:
        yield finding("client-id")
    elif response.status == 429 or response.status >= 500:
        yield finding("provider-error", status=response.status)
    yield from _clock(response)


def _ask(method: str = "GET") -> Response:
    """Ask for the authorize page, in the one documented form without a redirect URI.

    Raises `ProviderError` and `ProviderTimeout`.
    """
    target = integration_url().removeprefix(installed().settings.base_url)
    try:
        return installed().transport.request(
            method, target, headers={"Accept": "text/html"}, body=None
        )
    except ProviderError:
        if method == "HEAD":
            raise
        return _ask("HEAD")  # the page may be longer than what the transport reads


def _clock(response: Response) -> Findings:
    date = parse_date(response.headers.get("Date"))
    if date is None:
        return
    ahead = round(time.time() - date.timestamp())
    if abs(ahead) > MAX_CLOCK_SKEW:
        direction = "ahead of" if ahead > 0 else "behind"
        yield finding("clock", seconds=abs(ahead), direction=direction)


def _in_request() -> Findings:
    config, uri = current_app.config, installed().settings.redirect_uri
    if request.is_secure and not config["SESSION_COOKIE_SECURE"]:
        yield finding("session-secure")
    if uri is None:
        if request.headers.get("X-Forwarded-Proto") == "https" and not request.is_secure:
            yield finding(
                "proxy", evidence="A proxy says https", callback=_callback_path(current_app)
            )
        return
    host, served = urlsplit(uri).hostname or "", urlsplit(request.host_url).hostname or ""
    if host != served and is_loopback(host) and is_loopback(served):
        mend = f"# open the site on {host}, and nowhere else"
        yield finding("localhost", host=host, served="another loopback name", mend=mend)
