"""Where the site is: the redirect URI, and all else in the config that tells scheme and host."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from ..installed import installed
from ..urls import is_loopback
from .findings import Findings, finding

#: Variables that tell of a proxy: gunicorn's and uvicorn's, Heroku's, Google Cloud Run's, Render's,
#: Fly's, Railway's, Azure's.
PROXY_SIGNS = (
    "FORWARDED_ALLOW_IPS",
    "DYNO",
    "K_SERVICE",
    "RENDER",
    "FLY_APP_NAME",
    "RAILWAY_ENVIRONMENT_NAME",
    "WEBSITE_SITE_NAME",
)
#: Layers of middleware that are looked through: one may lead back to another.
MAX_LAYERS = 100
#: Stands where only people know the host.
YOUR_HOST = "YOUR-HOST"


@dataclass(frozen=True)
class Site:
    """What the config tells of the site once all mends are in place.

    Findings compare the config with this, and with nothing that another finding mends. So no mend
    undoes another, and all can be put in at once.
    """

    #: The redirect URI; None where requests tell it.
    uri: SplitResult | None
    #: `SESSION_COOKIE_SECURE`.
    secure: bool
    #: Path and domain of the cookies; the domain is empty where there is none.
    cookie_path: str
    cookie_domain: str


def site_of(app: Flask) -> Site:
    """Return where *app* is, or will be when it is mended."""
    uri = _meant_uri(app)
    path, domain = cookie_path(app), cookie_domain(app)
    secure = bool(app.config["SESSION_COOKIE_SECURE"])
    if uri is None:
        return Site(uri, secure or app.config["PREFERRED_URL_SCHEME"] == "https", path, domain)
    if not below(unquote(uri.path), path):
        path = "/"
    if _host(uri) and not _within(_host(uri), domain):
        domain = ""
    return Site(uri, uri.scheme == "https", path, domain)


def cookie_path(app: Flask) -> str:
    """Return the path of the cookies, ours too."""
    return app.session_interface.get_cookie_path(app)


def cookie_domain(app: Flask) -> str:
    """Return the domain of the cookies without its dot; empty where there is none."""
    return (app.session_interface.get_cookie_domain(app) or "").lstrip(".").lower()


def below(path: str, parent: str) -> bool:
    """Tell whether a cookie for *parent* is sent to *path* (RFC 6265 section 5.1.4)."""
    return path == parent or path.startswith(parent.rstrip("/") + "/")


def _within(host: str, domain: str) -> bool:
    """Tell whether *host* is *domain* or below it (RFC 6265 section 5.1.3)."""
    return host == domain or host.endswith("." + domain)


def host_of(uri: str) -> str:
    """Return the host in *uri*, empty where there is none."""
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:  # half an IPv6 address
        return ""


def _host(uri: SplitResult) -> str:
    """Return the host, empty where only people know it."""
    return "" if uri.netloc == YOUR_HOST else uri.hostname or ""


def _meant_uri(app: Flask) -> SplitResult | None:
    given = installed().settings.redirect_uri
    if given is None:
        return proposed_uri(app) if _sign_of_a_proxy(app) else None
    uri = urlsplit(given)
    if not unquote(uri.path).endswith(_callback_end(app)):
        uri = uri._replace(path=proposed_uri(app).path, query="")
    if uri.scheme == "http" and not is_loopback(_host(uri)):
        uri = uri._replace(scheme="https", netloc=uri.netloc.removesuffix(":80"))
    return uri


def proposed_uri(app: Flask) -> SplitResult:
    """Return the redirect URI of an app that names none, as far as the config tells it."""
    path = app.config["APPLICATION_ROOT"].rstrip("/") + _callback(app)
    if not below(path, cookie_path(app)):
        path = cookie_path(app).rstrip("/") + _callback(app)
    return SplitResult("https", app.config["SERVER_NAME"] or YOUR_HOST, path, "", "")


def _callback(app: Flask) -> str:
    return next(app.url_map.iter_rules(f"{installed().name}.callback")).rule


def _callback_end(app: Flask) -> str:
    """Return the callback's path from the last variable part on."""
    return _callback(app).rpartition(">")[2]


def _sign_of_a_proxy(app: Flask) -> str | None:
    """Return what tells of a proxy that the app is not told of, if anything does."""
    config = app.config
    signs = {
        "PREFERRED_URL_SCHEME is https": config["PREFERRED_URL_SCHEME"] == "https",
        "SESSION_COOKIE_SECURE is set": config["SESSION_COOKIE_SECURE"],
        **{f"{name} is set": name in os.environ for name in PROXY_SIGNS},
    }
    seen = next((sign for sign, is_there in signs.items() if is_there), None)
    return None if _trusts_a_proxy(app) else seen


def _trusts_a_proxy(app: Flask) -> bool:
    layer: Any = app.wsgi_app
    for _ in range(MAX_LAYERS):
        if isinstance(layer, ProxyFix) and layer.x_proto:
            return True
        # The next one is `wsgi_app` where `app` is the Flask object, as in Flask-Sockets.
        layer = getattr(layer, "wsgi_app", getattr(layer, "app", None))
        if layer is None or isinstance(layer, Flask):
            break
    return False


def in_site(app: Flask, site: Site) -> Findings:
    """Look at the redirect URI, and at what differs from it."""
    if site.uri is None:
        return
    given, uri = installed().settings.redirect_uri, site.uri.geturl()
    if given is None:
        yield finding("proxy", evidence=_sign_of_a_proxy(app), uri=uri)
    else:
        was = urlsplit(given)
        if was.path != site.uri.path:
            yield finding("redirect-path", callback=_callback_end(app), uri=uri)
        if was.scheme != site.uri.scheme:
            yield finding("redirect-http", uri=uri)
    yield from _scheme(app, site.uri.scheme)
    if _host(site.uri):
        yield from _hosts(app, site, site.uri.netloc, _host(site.uri))


def _scheme(app: Flask, scheme: str) -> Findings:
    preferred = app.config["PREFERRED_URL_SCHEME"]
    # http is Flask's default, which means nothing until links are made outside of requests.
    if preferred != scheme and (preferred == "https" or app.config["SERVER_NAME"]):
        yield finding("redirect-scheme", scheme=scheme, preferred=preferred)


def _hosts(app: Flask, site: Site, netloc: str, host: str) -> Findings:
    if site.cookie_domain != cookie_domain(app):
        yield finding("cookie-domain", host=host, domain=cookie_domain(app))
    trusted = app.config["TRUSTED_HOSTS"]
    is_ipv6 = ":" in host  # Werkzeug trusts none, whatever the list says
    if trusted is not None and not is_ipv6 and not host_is_trusted(netloc, trusted):
        names = [trusted] if isinstance(trusted, str) else trusted
        yield finding("trusted-hosts", host=host, hosts=[*names, host])
    server = app.config["SERVER_NAME"]
    # `flask run` listens on 127.0.0.1, and that is the link that it prints.
    served = server or os.environ.get("FLASK_RUN_HOST", host if app.testing else "127.0.0.1")
    name = host_of(f"//{served}")
    if is_loopback(host) and is_loopback(name):
        if host != name:
            mend = f'SERVER_NAME = "{netloc}"' if server else f"FLASK_RUN_HOST={host}"
            yield finding("localhost", host=host, served=name, mend=mend)
    elif server and not _within(host, name) and not site.cookie_domain:
        mend = f'SERVER_NAME = "{netloc}"'
        yield finding("redirect-host", host=host, other=f"SERVER_NAME is {server}", mend=mend)
