"""The sandbox as the authorization server of other people's clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

from flask_altdentifier.sandbox import Client as Registration
from flask_altdentifier.sandbox import Failure, make_server, sandbox_state

from ..support import query_of
from .browser import ALLOW, REDIRECT_URI, SECRET, consent
from .clients import CLIENT_ID, CLIENTS, Client, Refused

pytestmark = pytest.mark.server

READ = {**ALLOW, "granted": "read:user"}
Clients = Callable[..., Client]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Any]:
    """A server of the sandbox."""
    server = make_server(0, [Registration(CLIENT_ID, SECRET, redirect_uris=(REDIRECT_URI,))])
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.__name__)
def make_client(
    request: pytest.FixtureRequest, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clients]:
    """Make clients of each kind, which log in at the sandbox."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")  # a narrowed scope is no error
    clients: list[Client] = []

    def make(secret: str = SECRET, scope: str = "read:user", *, pkce: bool = False) -> Client:
        origin = f"http://127.0.0.1:{sandbox.port}"
        clients.append(request.param(origin, secret, scope, pkce=pkce))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.mark.parametrize("pkce", [False, True])
def test_login(make_client: Clients, pkce: bool) -> None:
    client = make_client(pkce=pkce)
    url = client.start()
    assert ("code_challenge_method=S256" in url) is pkce
    assert client.finish(consent(url, **READ)) == "read:user"


def test_narrowed_scope(make_client: Clients) -> None:
    client = make_client(scope="read:user write:integrations")
    assert client.finish(consent(client.start(), **READ)) == "read:user"


def test_denial(make_client: Clients) -> None:
    client = make_client()
    with pytest.raises(Refused, match=r"^access_denied$"):
        client.finish(consent(client.start(), decision="deny"))


def test_wrong_secret(make_client: Clients) -> None:
    client = make_client("wrong")
    # openid-client reports the status, because the response has WWW-Authenticate.
    with pytest.raises(Refused, match=r"^(401|Provided client credentials are incorrect)$"):
        client.finish(consent(client.start(), **READ))


def test_used_code(make_client: Clients) -> None:
    first, second = make_client(), make_client()
    used, new = (consent(client.start(), **READ) for client in (first, second))
    first.finish(used)
    query = urlencode(query_of(new) | {"code": query_of(used)["code"]})
    with pytest.raises(Refused, match=r"^Cannot grant token$"):
        second.finish(f"{REDIRECT_URI}?{query}")


@pytest.mark.parametrize("failure", [kind for kind in Failure if kind.redirect_error])
def test_error_on_the_way_back(make_client: Clients, sandbox: Any, failure: Failure) -> None:
    client, state = make_client(), sandbox_state(sandbox.app)
    state.failure = failure
    url = consent(client.start())
    state.failure = Failure.NONE
    with pytest.raises(Refused, match=rf"^{failure.redirect_error}$"):
        client.finish(url)
