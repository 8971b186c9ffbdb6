"""Fixtures of all tests."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings

from .support import FakeAltDentifier, WatchedStore, altdentifier, make_app, store_of

# A machine that is busy is no failure.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Keep pytest-flask from sharing one `g` among all requests of a test."""


@pytest.fixture
def app() -> Flask:
    """An app with the extension."""
    return make_app()


@pytest.fixture
def provider(app: Flask) -> FakeAltDentifier:
    """The AltDentifier that `app` talks to."""
    return altdentifier(app)


@pytest.fixture
def store(app: Flask) -> WatchedStore:
    """The store of `app`."""
    return store_of(app)


@pytest.fixture
def other_browser(app: Flask) -> FlaskClient:
    """A second browser."""
    return app.test_client()
