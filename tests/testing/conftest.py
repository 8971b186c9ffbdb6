"""Fixtures of the tests of `flask_altdentifier.testing`: apps as users have them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from ..support import make_app, state_of


def make_user_app(**config: Any) -> Flask:
    """Return an app that would talk to AltDentifier itself."""
    app = make_app(**config)
    del state_of(app).transport
    return app


@pytest.fixture
def app() -> Flask:
    """An app as users have it."""
    return make_user_app()
