from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flask_altdentifier.sandbox import create_app, sandbox_state

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State


@pytest.fixture
def sandbox() -> Flask:
    """A sandbox with the default client."""
    return create_app(config={"TESTING": True})


@pytest.fixture
def state(sandbox: Flask) -> State:
    """What that sandbox remembers."""
    return sandbox_state(sandbox)


@pytest.fixture
def visitor(sandbox: Flask) -> FlaskClient:
    """A browser, or an app, that visits it."""
    return sandbox.test_client()
