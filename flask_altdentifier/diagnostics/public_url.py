"""Problems of the public URL: the redirect URI, and the hosts and paths that must match it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from ..urls import is_loopback
from .findings import Findings, finding
from .subject import Subject, platform_variable

#: Most layers of middleware that are followed, because they can form a circle.
MAX_LAYERS = 100
#: Placeholder for a host that the config does not contain.
YOUR_HOST = "YOUR-HOST"


@dataclass(frozen=True)
class PublicURL:
    """The public URL of the site after all fixes.

    Findings compare the config with this URL, not with values that another fix changes. So the
    fixes never conflict, and the operator can apply them all at once.
    """

    #: The redirect URI, or None if it depends on the request.
    uri: SplitResult | None
    #: Whether the site is https.
    secure: bool
    #: Path and domain of the cookies. The domain is empty if there is none.
    cookie_path: str
    cookie_domain: str

    @property
    def host(self) -> str:
        """The host of the redirect URI, empty if the config does not contain it."""
        known = self.uri is not None and self.uri.netloc != YOUR_HOST
        return (known and self.uri and self.uri.hostname) or ""


def fixed_public_url(subject: Subject) -> PublicURL:
    """Return the public URL of the app after all fixes."""
    app = subject.app
    uri, path, domain = _fixed_uri(subject), cookie_path(app), cookie_domain(app)
    if uri is None:
        is_https = app.config["PREFERRED_URL_SCHEME"] == "https" or subject.is_production
        return PublicURL(uri, bool(app.config["SESSION_COOKIE_SECURE"]) or is_https, path, domain)
    if not is_below(unquote(uri.path), path):
        path = "/"
    public = PublicURL(uri, uri.scheme == "https", path, domain)
    if public.host and not _is_within(public.host, domain):
        return PublicURL(uri, public.secure, path, "")
    return public


def cookie_path(app: Flask) -> str:
    """Return the path of all cookies."""
    return app.session_interface.get_cookie_path(app)


def cookie_domain(app: Flask) -> str:
    """Return the domain of all cookies without its dot, empty if there is none."""
    return (app.session_interface.get_cookie_domain(app) or "").lstrip(".").lower()


def is_below(path: str, parent: str) -> bool:
    """Return whether a cookie for *parent* is sent to *path* (RFC 6265 section 5.1.4)."""
    return path == parent or path.startswith(parent.rstrip("/") + "/")


def _is_within(host: str, domain: str) -> bool:
    """Return whether *host* is *domain* or below it (RFC 6265 section 5.1.3)."""
    return host == domain or host.endswith("." + domain)


def _fixed_uri(subject: Subject) -> SplitResult | None:
    configured, proposed = subject.config.redirect_uri, _proposed_uri(subject)
    if configured is None:
        return proposed if _proxy_evidence(subject) else None
    uri = urlsplit(configured)
    if subject.is_production and is_loopback(uri.hostname or ""):
        uri = uri._replace(scheme="https", netloc=YOUR_HOST)
    if not unquote(uri.path).endswith(_callback_end(subject)):
        uri = uri._replace(path=proposed.path, query="")
    if uri.scheme == "http" and not is_loopback(uri.hostname or ""):
        uri = uri._replace(scheme="https", netloc=uri.netloc.removesuffix(":80"))
    return uri


def _proposed_uri(subject: Subject) -> SplitResult:
    """Return a redirect URI for an app without one, derived from other config keys."""
    app, callback = subject.app, _callback(subject)
    path = app.config["APPLICATION_ROOT"].rstrip("/") + callback
    if not is_below(path, cookie_path(app)):
        path = cookie_path(app).rstrip("/") + callback
    server = app.config["SERVER_NAME"]
    is_public = server and not is_loopback(_host_of(server))
    return SplitResult("https", server if is_public else YOUR_HOST, path, "", "")


def _callback(subject: Subject) -> str:
    return next(subject.app.url_map.iter_rules(f"{subject.state.name}.callback")).rule


def _callback_end(subject: Subject) -> str:
    """Return the end of the callback's path, after its last variable part."""
    return _callback(subject).rpartition(">")[2]


def _proxy_evidence(subject: Subject) -> str | None:
    """Return the evidence of a proxy whose headers the app ignores, or None."""
    config, platform = subject.app.config, platform_variable()
    evidence = {
        "the app is in production": subject.is_production,
        "PREFERRED_URL_SCHEME is https": config["PREFERRED_URL_SCHEME"] == "https",
        "SESSION_COOKIE_SECURE is on": config["SESSION_COOKIE_SECURE"],
        f"{platform} is set": platform,
        "FORWARDED_ALLOW_IPS is set": "FORWARDED_ALLOW_IPS" in os.environ,
    }
    found = next((sign for sign, is_there in evidence.items() if is_there), None)
    return None if _has_proxy_fix(subject.app) else found


def _has_proxy_fix(app: Flask) -> bool:
    layer: Any = app.wsgi_app
    for _ in range(MAX_LAYERS):
        if isinstance(layer, ProxyFix) and layer.x_proto:
            return True
        # The next layer is `wsgi_app` if `app` is the Flask object, as in Flask-Sockets.
        layer = getattr(layer, "wsgi_app", getattr(layer, "app", None))
        if layer is None or isinstance(layer, Flask):
            break
    return False


def check_public_url(subject: Subject, public: PublicURL) -> Findings:
    """Find config that does not match the public URL."""
    if subject.is_production and subject.is_local:
        yield finding("sandbox-url", url=subject.config.base_url)
    if public.uri is None:
        return
    configured, uri = subject.config.redirect_uri, public.uri.geturl()
    if configured is None:
        yield finding("redirect-uri-missing", evidence=_proxy_evidence(subject), uri=uri)
    else:
        was = urlsplit(configured)
        if was.path != public.uri.path:
            yield finding("redirect-path", callback=_callback_end(subject), uri=uri)
        if was.scheme != public.uri.scheme or was.netloc != public.uri.netloc:
            yield finding("redirect-http", uri=uri)
    if public.host:
        yield from _hosts(subject, public, public.uri.netloc)


def _hosts(subject: Subject, public: PublicURL, netloc: str) -> Findings:
    app, host = subject.app, public.host
    if public.cookie_domain != cookie_domain(app):
        yield finding("cookie-domain", host=host, domain=cookie_domain(app))
    trusted = app.config["TRUSTED_HOSTS"]
    is_ipv6 = ":" in host  # which Werkzeug never trusts
    if trusted is not None and not is_ipv6 and not host_is_trusted(netloc, trusted):
        names = [trusted] if isinstance(trusted, str) else trusted
        yield finding("trusted-hosts", host=host, hosts=[*names, host])
    server = app.config["SERVER_NAME"]
    # `flask run` listens on 127.0.0.1, and prints a link to it.
    default = host if app.testing else "127.0.0.1"
    name = _host_of(server or os.environ.get("FLASK_RUN_HOST", default))
    if is_loopback(host) and is_loopback(name):
        if host != name:
            fix = f'SERVER_NAME = "{netloc}"' if server else f"FLASK_RUN_HOST={host}"
            yield finding("localhost", host=host, served=name, fix=fix)
    elif server and not _is_within(host, name) and not public.cookie_domain:
        yield finding("redirect-host", host=host, server=server, netloc=netloc)


def _host_of(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:  # half an IPv6 address
        return ""
