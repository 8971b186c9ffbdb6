"""Problems of the session: its interface, its cookie, and the server that keeps it."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from werkzeug.test import create_environ

from ..browser.session_interface import StoreSessionInterface
from .findings import Findings, finding
from .public_url import PublicURL, cookie_path
from .subject import Subject
from .trial import NothingReturned, run_in_time


def check_sessions(subject: Subject, public: PublicURL) -> Findings:
    """Find problems of the session's config."""
    config = subject.app.config
    yield from _interface(subject)
    if not config["SESSION_COOKIE_HTTPONLY"]:
        yield finding("session-httponly")
    if bool(config["SESSION_COOKIE_SECURE"]) != public.is_https:
        yield finding("session-secure" if public.is_https else "session-secure-http")
    if public.cookie_path != cookie_path(subject.app):
        yield finding("cookie-path", path=cookie_path(subject.app))
    yield from _same_site(subject, public)
    yield from _cookie_name(subject, public)


def _interface(subject: Subject) -> Findings:
    interface = subject.app.session_interface
    name = type(interface).__name__
    if isinstance(interface, SecureCookieSessionInterface):
        cause, fix = f"session_interface is a {name}", "Remove your session_interface."
        if subject.app.config.get("SESSION_TYPE") is not None:
            cause = "SESSION_TYPE is set, but Session(app) was not called"
            fix = "flask_session.Session(app)"
        yield finding("session-cookies", cause=cause, fix=fix)
    elif not hasattr(interface, "regenerate"):
        yield finding("session-id", name=name)


def _same_site(subject: Subject, public: PublicURL) -> Findings:
    value = str(subject.app.config["SESSION_COOKIE_SAMESITE"] or "").lower()
    if value == "strict":
        yield finding("session-samesite")
    elif value == "none" and not public.is_https:
        cause, fix = "SameSite=None needs https", 'SESSION_COOKIE_SAMESITE = "Lax"'
        yield finding("session-cookie-refused", cause=cause, fix=fix)


def _cookie_name(subject: Subject, public: PublicURL) -> Findings:
    """Check what a name prefix requires (RFC 6265bis section 4.1.3)."""
    name = subject.app.session_interface.get_cookie_name(subject.app)
    is_host_only = not public.cookie_domain and public.cookie_path == "/"
    cause = None
    if name.startswith("__Host-") and not (public.is_https and is_host_only):
        cause = f'the name {name} needs https, the path "/" and no domain'
    elif name.startswith("__Secure-") and not public.is_https:
        cause = f"the name {name} needs https"
    if cause is not None:
        fix = 'SESSION_COOKIE_NAME = "session"'
        yield finding("session-cookie-refused", cause=cause, fix=fix)


def try_sessions(subject: Subject) -> Findings:
    """Write a session to the app's own session server, read it, and delete it."""
    app = subject.app
    if isinstance(app.session_interface, (SecureCookieSessionInterface, StoreSessionInterface)):
        return  # which have no server of their own
    cause = run_in_time(app, lambda: _use_session(app))
    if cause is not None:
        yield finding("sessions-unreachable", cause=cause)


def _use_session(app: Flask) -> None:
    interface, key = app.session_interface, "altdentifier_check"

    def open_session(cookie: str) -> Any:
        environ = create_environ(headers={"Cookie": cookie})
        return interface.open_session(app, app.request_class(environ))

    written, response = open_session(""), app.response_class()
    written[key] = True
    interface.save_session(app, written, response)
    read = open_session(response.headers.get("Set-Cookie", "").partition(";")[0])
    if key not in read:
        raise NothingReturned
    read.clear()
    interface.save_session(app, read, response)
