from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app import create_app

from ..support import PAGE

CONFIG = {
    "TESTING": True,
    "ALTDENTIFIER_CLIENT_ID": "gatehouse",
    "ALTDENTIFIER_CLIENT_SECRET": "a-secret",
    "ALTDENTIFIER_WEBHOOK_SECRET": "a-signature",
}


@pytest.fixture(autouse=True)
def _no_config_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def make_site(tmp_path: Path) -> Callable[..., Flask]:
    """A function that returns the example app with some config changed."""

    def make(**config: Any) -> Flask:
        return create_app({**CONFIG, "INSTANCE_PATH": str(tmp_path / "instance"), **config})

    return make


@pytest.fixture
def site(make_site: Callable[..., Flask]) -> Flask:
    return make_site()


@pytest.fixture
def visitor(site: Flask) -> FlaskClient:
    """A browser."""
    visitor = site.test_client()
    visitor.environ_base["HTTP_ACCEPT"] = PAGE["Accept"]
    return visitor
