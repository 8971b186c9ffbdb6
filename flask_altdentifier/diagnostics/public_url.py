"""Problems of the public URL: the redirect URI, and the hosts and paths that must match it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from ..urls import is_loopback
from .browser import domain_matches, path_matches
from .findings import Findings, finding
from .subject import Subject, platform_variable

#: Stands for a host that the config does not contain.
YOUR_HOST = "YOUR-HOST"
#: Most layers of middleware that are followed, because they can form a circle.
MAX_LAYERS = 100


@dataclass(frozen=True)
class PublicURL:
    """The URL and the cookies of the site after all fixes.

    Findings compare the config with these values, not with values that another fix changes. So the
    fixes never conflict, and the operator can apply them all at once.
    """

    #: The redirect URI, or None if it depends on the request.
    redirect_uri: SplitResult | None
    #: The host of the redirect URI, empty if the config does not contain it.
    host: str
    is_https: bool
    cookie_path: str
    #: Empty if there is none.
    cookie_domain: str


def fixed_public_url(subject: Subject) -> PublicURL:
    """Return the public URL of the app after all fixes."""
    app = subject.app
    uri, path, domain = _fixed_redirect_uri(subject), cookie_path(app), cookie_domain(app)
    if uri is None:
        signs_of_https = (
            app.config["SESSION_COOKIE_SECURE"],
            app.config["PREFERRED_URL_SCHEME"] == "https",
            subject.is_production,
        )
        return PublicURL(None, "", any(signs_of_https), path, domain)
    host = "" if uri.netloc == YOUR_HOST else uri.hostname or ""
    if not path_matches(unquote(uri.path), path):
        path = "/"
    if host and not domain_matches(host, domain):
        domain = ""
    return PublicURL(uri, host, uri.scheme == "https", path, domain)


def check_public_url(subject: Subject, public: PublicURL) -> Findings:
    """Find config that does not match the public URL."""
    if subject.is_production and subject.uses_sandbox:
        yield finding("sandbox-url", url=subject.config.base_url)
    if public.redirect_uri is None:
        return
    configured, fixed = subject.config.redirect_uri, public.redirect_uri
    if configured is None:
        evidence = _evidence_of_proxy(subject)
        yield finding("redirect-uri-missing", evidence=evidence, uri=fixed.geturl())
    else:
        yield from _redirect_uri(subject, urlsplit(configured), fixed)
    if public.host:
        yield from _hosts(subject, public, fixed.netloc)


def cookie_path(app: Flask) -> str:
    """Return the path of all cookies."""
    return app.session_interface.get_cookie_path(app)


def cookie_domain(app: Flask) -> str:
    """Return the domain of all cookies without its dot, empty if there is none."""
    return (app.session_interface.get_cookie_domain(app) or "").lstrip(".").lower()


def _fixed_redirect_uri(subject: Subject) -> SplitResult | None:
    configured, proposed = subject.config.redirect_uri, _proposed_redirect_uri(subject)
    if configured is None:
        return proposed if _evidence_of_proxy(subject) else None
    uri = urlsplit(configured)
    if subject.is_production and is_loopback(uri.hostname or ""):
        uri = uri._replace(scheme="https", netloc=YOUR_HOST)
    if not _is_callback(subject, uri.path) or _unknown_prefix(subject, uri.path):
        uri = uri._replace(path=proposed.path, query="")
    if uri.scheme == "http" and not is_loopback(uri.hostname or ""):
        uri = uri._replace(scheme="https", netloc=uri.netloc.removesuffix(":80"))
    return uri


def _proposed_redirect_uri(subject: Subject) -> SplitResult:
    """Return a redirect URI for an app without one, derived from other config keys."""
    app, callback = subject.app, _callback(subject)
    path = app.config["APPLICATION_ROOT"].rstrip("/") + callback
    if not path_matches(path, cookie_path(app)):
        path = cookie_path(app).rstrip("/") + callback
    server = app.config["SERVER_NAME"]
    is_public = server and not is_loopback(_host_of(server))
    return SplitResult("https", server if is_public else YOUR_HOST, path, "", "")


def _callback(subject: Subject) -> str:
    """Return the path of the callback, in which variable parts stand between `<` and `>`."""
    return next(subject.app.url_map.iter_rules(f"{subject.state.name}.callback")).rule


def _is_callback(subject: Subject, path: str) -> bool:
    """Return whether *path* leads to the callback, perhaps below a prefix of a proxy."""
    return unquote(path).endswith(_callback(subject).rpartition(">")[2])


def _unknown_prefix(subject: Subject, path: str) -> str:
    """Return what *path* has before the path of the callback.

    Returns an empty string if the app seems to know that it is served below a prefix.
    """
    app, callback = subject.app, _callback(subject)
    roots = {app.config["APPLICATION_ROOT"], cookie_path(app)} - {"/"}
    is_known = (
        any(path_matches(unquote(path), root) for root in roots)
        or any(layer.x_prefix for layer in _proxy_fixes(app))
        or "SCRIPT_NAME" in os.environ  # gunicorn reads it
        or "<" in callback  # any prefix can be a variable part of the route
    )
    return "" if is_known else unquote(path).removesuffix(callback)


def _evidence_of_proxy(subject: Subject) -> str | None:
    """Return the evidence of a proxy whose headers the app ignores, or None."""
    config, platform = subject.app.config, platform_variable()
    evidence = {
        "the app is in production": subject.is_production,
        "PREFERRED_URL_SCHEME is https": config["PREFERRED_URL_SCHEME"] == "https",
        "SESSION_COOKIE_SECURE is on": config["SESSION_COOKIE_SECURE"],
        f"{platform} is set": platform,
        "FORWARDED_ALLOW_IPS is set": "FORWARDED_ALLOW_IPS" in os.environ,
    }
    if any(layer.x_proto for layer in _proxy_fixes(subject.app)):
        return None
    return next((sign for sign, is_there in evidence.items() if is_there), None)


def _proxy_fixes(app: Flask) -> Iterator[ProxyFix]:
    """Yield the `ProxyFix` layers around *app*."""
    layer: Any = app.wsgi_app
    for _ in range(MAX_LAYERS):
        if isinstance(layer, ProxyFix):
            yield layer
        # The next layer is `wsgi_app` if `app` is the Flask object, as in Flask-Sockets.
        layer = getattr(layer, "wsgi_app", getattr(layer, "app", None))
        if layer is None or isinstance(layer, Flask):
            break


def _redirect_uri(subject: Subject, configured: SplitResult, fixed: SplitResult) -> Findings:
    uri, callback = fixed.geturl(), _callback(subject)
    prefix = _unknown_prefix(subject, configured.path)
    if not _is_callback(subject, configured.path):
        yield finding("redirect-path", path=configured.path, callback=callback, uri=uri)
    elif prefix:
        yield finding("redirect-prefix", prefix=prefix, callback=callback, uri=uri)
    if (configured.scheme, configured.netloc) != (fixed.scheme, fixed.netloc):
        yield finding("redirect-http", uri=uri)


def _hosts(subject: Subject, public: PublicURL, netloc: str) -> Findings:
    app, host = subject.app, public.host
    if public.cookie_domain != cookie_domain(app):
        yield finding("cookie-domain", host=host, domain=cookie_domain(app))
    trusted = app.config["TRUSTED_HOSTS"]
    is_ipv6 = ":" in host  # which Werkzeug never trusts
    if trusted is not None and not is_ipv6 and not host_is_trusted(host, trusted):
        names = [trusted] if isinstance(trusted, str) else trusted
        yield finding("trusted-hosts", host=host, hosts=[*names, host])
    server = app.config["SERVER_NAME"]
    # `flask run` listens on 127.0.0.1, and prints a link to it. A test client uses any host.
    default = host if app.testing else "127.0.0.1"
    served = _host_of(server or os.environ.get("FLASK_RUN_HOST", default))
    if is_loopback(host) and is_loopback(served):
        is_other = host != served
    else:
        is_other = server and not domain_matches(host, served) and not public.cookie_domain
    if is_other:
        fix = f'SERVER_NAME = "{netloc}"' if server else f"FLASK_RUN_HOST={host}"
        yield finding("redirect-host", host=host, served=server or served, fix=fix)


def _host_of(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:  # half an IPv6 address
        return ""
