from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from flask_altdentifier.sandbox import create_app, sandbox_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State


@pytest.fixture
def used_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


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
