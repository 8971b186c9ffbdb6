"""Finds configuration problems of an app or of a running site: `flask altdentifier check`.

Requests to the app never import this package.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

from flask import Flask

from .canary import check_site
from .config_keys import check_config_keys
from .findings import Finding, Findings, finding
from .hooks import check_hooks
from .loading import explain_load_error
from .provider import check_provider
from .public_url import check_public_url, fixed_public_url
from .sessions import check_sessions, try_sessions
from .store import check_store
from .subject import Subject
from .views import check_views

__all__ = ["Finding", "check_app", "check_site", "explain_load_error", "load_and_check"]


def load_and_check(load: Callable[[], Flask], *, offline: bool, production: bool) -> list[Finding]:
    """Return the problems of the app that *load* returns. A failure to load it is a problem too.

    Logging is off meanwhile, because the findings report the same problems. What the app prints
    goes to stderr, because stdout may be JSON.
    """
    with _silent_log(), redirect_stdout(sys.stderr):
        try:
            app = load()
        except (Exception, SystemExit) as error:
            return [explain_load_error(error)]
        return check_app(app, offline=offline, production=production)


def check_app(app: Flask, *, offline: bool = False, production: bool = False) -> list[Finding]:
    """Return the problems of *app*.

    If not *offline*, this writes and deletes a record in the store and a session on its server, and
    sends two requests to AltDentifier.
    """
    subject = Subject.create(app, production=production)
    if subject is None:
        return [finding("blueprint-missing")]
    with app.app_context():
        return list(_check(subject, offline=offline))


def _check(subject: Subject, *, offline: bool) -> Findings:
    public = fixed_public_url(subject)
    yield from check_config_keys(subject)
    yield from _check_modes(subject)
    yield from check_public_url(subject, public)
    yield from check_sessions(subject, public)
    yield from check_views(subject)
    yield from check_hooks(subject)
    yield from check_store(subject, offline=offline)
    if not offline:
        yield from try_sessions(subject)
        # A sandbox in production is a finding of its own.
        if not (subject.is_production and subject.uses_sandbox):
            yield from check_provider(subject)


def _check_modes(subject: Subject) -> Findings:
    if subject.is_production and subject.app.debug:
        fix = "Run the app without --debug and without FLASK_DEBUG."
        yield finding("development-mode", mode="Debug mode", fix=fix)
    if subject.is_production and subject.app.testing:
        yield finding("development-mode", mode="Testing mode", fix="TESTING = False")


@contextmanager
def _silent_log() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)
