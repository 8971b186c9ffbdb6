"""The extension as the client of other people's authorization servers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from werkzeug.test import TestResponse

from flask_altdentifier import blueprint, current_grant, requires_scope, signals

from ..servers.process import HOST, Server, free_port
from ..support import bare_app, query_of, reason, state_of
from .browser import consent
from .node import HERE, node_command

pytestmark = pytest.mark.server

SECRET = "a b+c%d:e/f"
BOTH = "read:user write:integrations"
#: Client id, scope, and what is replaced in the request, by the `error` that comes back.
REJECTED = {
    "invalid_request": ("strict", "read:user", "", ""),
    # oidc-provider sends it only if its operator makes it do so.
    "unauthorized_client": ("machine", "read:user", "?", "?fail=unauthorized_client&"),
    "unsupported_response_type": ("post", "read:user", "=code", "=other"),
    "invalid_scope": ("reader", BOTH, "", ""),
}


@pytest.fixture(scope="module", params=["django-oauth-toolkit", "oidc-provider"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Origin of each authorization server."""
    command = [sys.executable, str(HERE / "django_server.py")]
    if request.param == "oidc-provider":
        command = node_command("oidc_server.mjs")
    port, directory = free_port(), tmp_path_factory.mktemp("server")
    url = f"http://{HOST}:{port}"
    with Server([*command, str(port)], directory, port, lambda: requests.get(url, timeout=5)):
        yield url


Apps = Callable[..., "App"]


@pytest.fixture
def make_app(url: str) -> Iterator[Apps]:
    """Make apps that log in at *url*."""
    apps: list[App] = []

    def make(client_id: str = "post", **config: Any) -> App:
        apps.append(App(url, client_id, **config))
        return apps[-1]

    yield make
    for app in apps:
        app.close()


class App:
    """An app that logs in at *url*, and its visitor."""

    def __init__(self, url: str, client_id: str, **config: Any) -> None:
        config = {"CLIENT_ID": client_id, "CLIENT_SECRET": SECRET, "BASE_URL": url, **config}
        app = bare_app(**{f"ALTDENTIFIER_{key}": value for key, value in config.items()})
        app.register_blueprint(blueprint)
        app.add_url_rule("/me", "me", requires_scope()(lambda: sorted(current_grant.scope)))
        self.errors: list[Any] = []
        self._note_error = lambda sender, error: self.errors.append(error)
        signals.login_failed.connect(self._note_error, app)
        self.get = app.test_client().get
        self._transport: Any = state_of(app).transport

    def close(self) -> None:
        """Close the connections to the server."""
        self._transport._pool().close()

    def start(self) -> str:
        """Start a login, and return the URL of the authorization request."""
        return str(self.get("/login?next=/me").location)

    def finish(self, url: str) -> TestResponse:
        """Follow the redirect that leads back."""
        return self.get(url.removeprefix("http://localhost"))

    def log_in(self, **form: str) -> list[str]:
        """Do a whole login, and return the scopes of the grant."""
        response = self.finish(consent(self.start(), allow="yes", **form))
        assert (response.status_code, response.location) == (303, "/me"), response.text
        scopes: list[str] = self.get("/me").get_json()
        return scopes


@pytest.mark.parametrize(
    ("client_id", "config"),
    [
        ("post", {}),
        ("basic", {"TOKEN_AUTH_METHOD": "client_secret_basic"}),
        ("strict", {"PKCE": True}),
    ],
    ids=["post", "basic", "pkce"],
)
def test_login(make_app: Apps, client_id: str, config: dict[str, Any]) -> None:
    assert make_app(client_id, **config).log_in() == ["read:user"]


def test_narrowed_scope(make_app: Apps) -> None:
    assert make_app(SCOPE=BOTH).log_in(scope="read:user") == ["read:user"]


def test_denial(make_app: Apps) -> None:
    app = make_app()
    assert reason(app.finish(consent(app.start()))) == "access_denied"


def test_wrong_secret(make_app: Apps) -> None:
    for client_id, method in [("post", "client_secret_post"), ("basic", "client_secret_basic")]:
        app = make_app(client_id, CLIENT_SECRET="wrong", TOKEN_AUTH_METHOD=method)
        response = app.finish(consent(app.start(), allow="yes"))
        assert reason(response) == "client_credentials_rejected"
        assert app.errors[0].oauth_error == "invalid_client"


def test_used_code(make_app: Apps) -> None:
    app = make_app()
    used, new = (query_of(consent(app.start(), allow="yes")) for _ in range(2))
    assert app.finish(f"/callback?{urlencode(used)}").status_code == 303
    response = app.finish(f"/callback?{urlencode(new | {'code': used['code']})}")
    assert reason(response) == "code_rejected"
    assert app.errors[0].oauth_error == "invalid_grant"


def test_code_of_another_challenge(make_app: Apps) -> None:
    app = make_app("strict", PKCE=True)
    start = re.sub("code_challenge=[^&]*", f"code_challenge={'x' * 43}", app.start())
    response = app.finish(consent(start, allow="yes"))
    assert reason(response) == "code_rejected"


@pytest.mark.parametrize("error", REJECTED)
def test_request_is_rejected(make_app: Apps, error: str) -> None:
    client_id, scope, old, new = REJECTED[error]
    app = make_app(client_id, SCOPE=scope)
    response = app.finish(consent(app.start().replace(old, new), allow="yes"))
    assert reason(response) == "authorization_request_rejected"
    assert app.errors[0].oauth_error == error


@pytest.mark.parametrize("url", ["oidc-provider"], indirect=True)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("server_error", "provider_error"),
        ("temporarily_unavailable", "provider_unavailable"),
        ("login_required", "invalid_callback"),
    ],
)
def test_server_fails(make_app: Apps, error: str, expected: str) -> None:
    app = make_app()
    response = app.finish(consent(app.start() + f"&fail={error}"))
    assert reason(response) == expected
