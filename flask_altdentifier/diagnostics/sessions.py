"""Problems of the session: its interface, its cookie, and the server that keeps it."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import create_environ

from ..browser.session_interface import StoreSessionInterface
from .findings import Findings, finding
from .public_url import PublicURL, cookie_path
from .subject import Subject
from .trial import Failure, run_in_time


def check_sessions(subject: Subject, public: PublicURL) -> Findings:
    """Find problems of the session's config."""
    config = subject.app.config
    yield from _interface(subject)
    yield from _same_site(subject, public)
    yield from _cookie_name(subject, public)
    if not config["SESSION_COOKIE_HTTPONLY"]:
        yield finding("session-httponly")
    if config.get("SESSION_USE_SIGNER"):
        yield finding("session-signer")
    if bool(config["SESSION_COOKIE_SECURE"]) != public.secure:
        code = "session-secure" if public.secure else "session-secure-http"
        yield finding(code, evidence=_https_evidence(subject))
    if public.cookie_path != cookie_path(subject.app):
        yield finding("cookie-path", path=cookie_path(subject.app))


def _https_evidence(subject: Subject) -> str:
    uri = subject.config.redirect_uri
    if uri is None:
        return "the site must be https"
    is_https = uri.startswith("https:")
    return f"the redirect URI is {'https' if is_https else 'http, but must be https'}"


def _interface(subject: Subject) -> Findings:
    interface, kind = subject.app.session_interface, subject.app.config.get("SESSION_TYPE")
    if isinstance(interface, SecureCookieSessionInterface):
        if kind is not None:
            evidence = "SESSION_TYPE is set, but Session(app) was not called."
            yield finding("session-cookies", evidence=evidence, fix="flask_session.Session(app)")
        else:
            evidence = f"session_interface is a {type(interface).__name__}."
            fix = "Remove your session_interface."
            yield finding("session-cookies", evidence=evidence, fix=fix)
    elif not hasattr(interface, "regenerate"):
        yield finding("session-id", name=type(interface).__name__)


def _same_site(subject: Subject, public: PublicURL) -> Findings:
    config = subject.app.config
    value = str(config["SESSION_COOKIE_SAMESITE"] or "").lower()
    if value == "strict":
        yield finding("session-samesite")
    elif value == "none" and not public.secure:
        yield finding("session-samesite-none", fix='SESSION_COOKIE_SAMESITE = "Lax"')
    elif value == "none" and not config["SESSION_COOKIE_SECURE"]:
        yield finding("session-samesite-none", fix="SESSION_COOKIE_SECURE = True")


def _cookie_name(subject: Subject, public: PublicURL) -> Findings:
    """Check what a name prefix requires (RFC 6265bis section 4.1.3)."""
    name = subject.app.session_interface.get_cookie_name(subject.app)
    is_host_only = not public.cookie_domain and public.cookie_path == "/"
    if name.startswith("__Host-") and not (public.secure and is_host_only):
        needs = 'https, SESSION_COOKIE_SECURE, the path "/" and no SESSION_COOKIE_DOMAIN'
        yield finding("session-prefix", name=name, needs=needs)
    elif name.startswith("__Secure-") and not public.secure:
        yield finding("session-prefix", name=name, needs="https and SESSION_COOKIE_SECURE")


def try_sessions(subject: Subject) -> Findings:
    """Write a session, read it as the browser's next request would, and delete it."""
    interface = subject.app.session_interface
    if isinstance(interface, (SecureCookieSessionInterface, StoreSessionInterface)):
        return
    failure = run_in_time(subject.app, lambda: _use_sessions(subject))
    if failure is not None:
        yield finding("sessions-unreachable", cause=failure.text)


class _Browser(Response):
    """A response that keeps only the session cookie."""

    cookie = ""

    def set_cookie(self, key: str, value: str = "", **_: Any) -> None:  # type: ignore[override]
        self.cookie = f"{key}={value}"


def _use_sessions(subject: Subject) -> None:
    app, browser, key = subject.app, _Browser(), "altdentifier_check"

    def open_session() -> Any:
        environ = create_environ(headers={"Cookie": browser.cookie})
        return app.session_interface.open_session(app, app.request_class(environ))

    written = open_session()
    written[key] = True
    app.session_interface.save_session(app, written, browser)
    read = open_session()
    if key not in read:
        raise Failure("NothingReturned")
    read.clear()
    app.session_interface.save_session(app, read, browser)
