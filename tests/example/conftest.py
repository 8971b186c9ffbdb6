from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

from example_app import create_app
from flask_altdentifier import sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

CLIENT = sandbox.Client("gatehouse", "a-secret", name="Gatehouse")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("FLASK_") or name == "REDIS_URL":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def altdentifier() -> Iterator[tuple[str, Flask]]:
    """A sandbox: its URL and its app."""
    app = sandbox.create_app([CLIENT])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}", app
    server.shutdown()
    thread.join()


@pytest.fixture
def config(altdentifier: tuple[str, Flask], tmp_path: Path) -> dict[str, object]:
    """The config of an app that logs in at the sandbox."""
    return {
        "DATA_DIR": tmp_path,
        "TESTING": True,
        "ALTDENTIFIER_BASE_URL": altdentifier[0],
        "ALTDENTIFIER_CLIENT_ID": CLIENT.client_id,
        "ALTDENTIFIER_CLIENT_SECRET": CLIENT.client_secret,
        "ALTDENTIFIER_WEBHOOK_SECRET": "a-signature",
    }


@pytest.fixture
def failure(altdentifier: tuple[str, Flask]) -> Iterator[Callable[[sandbox.Failure], None]]:
    """A function that sets the sandbox's switch, until the test ends."""
    state = sandbox.sandbox_state(altdentifier[1])

    def switch(failure: sandbox.Failure) -> None:
        state.failure = failure

    yield switch
    state.failure = sandbox.Failure.NONE


@pytest.fixture
def site(config: dict[str, object]) -> Flask:
    """The example app."""
    return create_app(config)


@pytest.fixture
def visitor(site: Flask) -> FlaskClient:
    """A browser that visits it."""
    visitor = site.test_client()
    visitor.environ_base["HTTP_ACCEPT"] = "text/html"
    return visitor


@pytest.fixture
def allow(altdentifier: tuple[str, Flask], visitor: FlaskClient) -> Callable[..., TestResponse]:
    """A function that goes on from a redirect to the sandbox, allowing the named scopes."""

    def allow(redirect: TestResponse, *scopes: str) -> TestResponse:
        target = urlsplit(redirect.headers["Location"])
        assert redirect.headers["Location"].startswith(altdentifier[0])
        form = {"decision": "allow", "granted": list(scopes)}
        answer = altdentifier[1].test_client().post(f"{target.path}?{target.query}", data=form)
        callback = urlsplit(answer.headers["Location"])
        return visitor.get(f"{callback.path}?{callback.query}")

    return allow


@pytest.fixture
def log_in(allow: Callable[..., TestResponse], visitor: FlaskClient) -> Callable[..., TestResponse]:
    """A function that logs in and allows the named scopes; none named: `read:user`."""
    return lambda *scopes: allow(visitor.get("/login"), *(scopes or ("read:user",)))
