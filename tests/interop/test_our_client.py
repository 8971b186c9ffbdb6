"""The extension as the client of other people's authorization servers."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_altdentifier.http.transport import HTTPTransport

from ..servers.process import HOST, Server, free_port
from ..support import make_app, query_of, reason, state_of
from .browser import ALLOW, REDIRECT_URI, SECRET, consent
from .node import HERE, node_command

pytestmark = pytest.mark.server

BOTH = "read:user write:integrations"
#: Client id, scope, and what is replaced in the request, by the `error` that comes back.
REJECTED = {
    "invalid_request": ("strict", "read:user", "", ""),
    # oidc-provider sends it only if its operator makes it do so.
    "unauthorized_client": ("machine", "read:user", "?", "?fail=unauthorized_client&"),
    "unsupported_response_type": ("post", "read:user", "=code", "=other"),
    "invalid_scope": ("reader", BOTH, "", ""),
}
Clients = Callable[..., FlaskClient]


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


@pytest.fixture
def make_client(url: str) -> Iterator[Clients]:
    """Make visitors of apps that log in at *url*."""
    transport = HTTPTransport(url, 10.0)

    def make(client_id: str = "post", **config: Any) -> FlaskClient:
        config = {"CLIENT_ID": client_id, "CLIENT_SECRET": SECRET, "BASE_URL": url, **config}
        app = make_app(**{f"ALTDENTIFIER_{key}": value for key, value in config.items()})
        state_of(app).transport = transport
        return app.test_client()

    yield make
    transport._pool().close()


def start(client: FlaskClient) -> str:
    """Start a login, and return the URL of the authorization request."""
    return str(client.get("/login").location)


def finish(client: FlaskClient, url: str) -> TestResponse:
    """Follow the redirect that leads back."""
    return client.get(url.removeprefix("http://localhost"))


@pytest.mark.parametrize(
    ("client_id", "config"),
    [
        ("post", {}),
        ("basic", {"TOKEN_AUTH_METHOD": "client_secret_basic"}),
        ("strict", {"PKCE": True}),
    ],
)
def test_login(make_client: Clients, client_id: str, config: dict[str, Any]) -> None:
    client = make_client(client_id, **config)
    assert finish(client, consent(start(client), **ALLOW)).status_code == 303
    assert client.get("/me").get_json() == ["read:user"]


def test_narrowed_scope(make_client: Clients) -> None:
    client = make_client(SCOPE=BOTH)
    assert finish(client, consent(start(client), **ALLOW, scope="read:user")).status_code == 303
    assert client.get("/me").get_json() == ["read:user"]


def test_denial(make_client: Clients) -> None:
    client = make_client()
    assert reason(finish(client, consent(start(client)))) == "access_denied"


@pytest.mark.parametrize("method", ["post", "basic"])
def test_wrong_secret(make_client: Clients, method: str, caplog: pytest.LogCaptureFixture) -> None:
    config = {"CLIENT_SECRET": "wrong", "TOKEN_AUTH_METHOD": f"client_secret_{method}"}
    client = make_client(method, **config)
    response = finish(client, consent(start(client), **ALLOW))
    assert reason(response) == "client_credentials_rejected"
    assert "error invalid_client" in caplog.text


def test_used_code(make_client: Clients, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    client = make_client()
    used, new = (consent(start(client), **ALLOW) for _ in range(2))
    assert finish(client, used).status_code == 303
    query = urlencode(query_of(new) | {"code": query_of(used)["code"]})
    assert reason(finish(client, f"{REDIRECT_URI}?{query}")) == "code_rejected"
    assert "error invalid_grant" in caplog.text


def test_code_of_another_challenge(make_client: Clients) -> None:
    client = make_client("strict", PKCE=True)
    request = re.sub("code_challenge=[^&]*", f"code_challenge={'x' * 43}", start(client))
    assert reason(finish(client, consent(request, **ALLOW))) == "code_rejected"


@pytest.mark.parametrize("error", REJECTED)
def test_request_is_rejected(
    make_client: Clients, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    client_id, scope, old, new = REJECTED[error]
    client = make_client(client_id, SCOPE=scope)
    response = finish(client, consent(start(client).replace(old, new), **ALLOW))
    assert reason(response) == "authorization_request_rejected"
    assert f"error {error}" in caplog.text


@pytest.mark.parametrize("url", ["oidc-provider"], indirect=True)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("server_error", "provider_error"),
        ("temporarily_unavailable", "provider_unavailable"),
        ("login_required", "invalid_callback"),
    ],
)
def test_server_fails(make_client: Clients, error: str, expected: str) -> None:
    client = make_client()
    assert reason(finish(client, consent(f"{start(client)}&fail={error}"))) == expected
