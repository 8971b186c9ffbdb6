"""The sandbox as the authorization server of other people's clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Thread
from urllib.parse import urlencode

import pytest

from flask_altdentifier.sandbox import Client as Registration
from flask_altdentifier.sandbox import Failure, SandboxState, make_server, sandbox_state

from ..support import query_of
from .browser import REDIRECT_URI, consent
from .clients import CLIENT_ID, CLIENTS, Client, Refused

pytestmark = pytest.mark.server

SECRET = "a b+c%d:e/f"
BOTH = "read:user write:integrations"
Clients = Callable[..., Client]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[str, SandboxState]]:
    """Origin and state of a sandbox."""
    server = make_server(0, [Registration(CLIENT_ID, SECRET, redirect_uris=(REDIRECT_URI,))])
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}", sandbox_state(server.app)  # type: ignore[arg-type]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.__name__)
def make_client(
    request: pytest.FixtureRequest,
    sandbox: tuple[str, SandboxState],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Clients]:
    """Make clients of each kind, which log in at the sandbox."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")  # a narrowed scope is no error
    clients: list[Client] = []

    def make(secret: str = SECRET, scope: str = "read:user", *, pkce: bool = False) -> Client:
        clients.append(request.param(sandbox[0], secret, scope, pkce=pkce))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def allow(client: Client, *scopes: str) -> str:
    """Start a login, allow *scopes*, and return the URL that leads back."""
    return consent(client.start(), decision="allow", granted=list(scopes))


@pytest.mark.parametrize("pkce", [False, True], ids=["", "pkce"])
def test_login(make_client: Clients, pkce: bool) -> None:
    client = make_client(pkce=pkce)
    url = client.start()
    assert ("code_challenge" in url) is pkce
    assert client.finish(consent(url, decision="allow", granted="read:user")) == "read:user"


def test_narrowed_scope(make_client: Clients) -> None:
    client = make_client(scope=BOTH)
    assert client.finish(allow(client, "read:user")) == "read:user"


def test_denial(make_client: Clients) -> None:
    client = make_client()
    with pytest.raises(Refused, match=r"^access_denied$"):
        client.finish(consent(client.start(), decision="deny"))


def test_wrong_secret(make_client: Clients) -> None:
    client = make_client("wrong")
    # openid-client reports the status, because the response has WWW-Authenticate.
    with pytest.raises(Refused, match=r"^(401|Provided client credentials are incorrect)$"):
        client.finish(allow(client, "read:user"))


def test_used_code(make_client: Clients) -> None:
    first, second = make_client(), make_client()
    used, new = allow(first, "read:user"), query_of(allow(second, "read:user"))
    first.finish(used)
    with pytest.raises(Refused, match=r"^Cannot grant token$"):
        second.finish(f"{REDIRECT_URI}?{urlencode(new | {'code': query_of(used)['code']})}")


@pytest.mark.parametrize("failure", [kind for kind in Failure if kind.redirect_error])
def test_error_on_the_way_back(
    make_client: Clients, sandbox: tuple[str, SandboxState], failure: Failure
) -> None:
    client = make_client()
    sandbox[1].failure = failure
    try:
        url = allow(client, "read:user")
    finally:
        sandbox[1].failure = Failure.NONE
    with pytest.raises(Refused, match=rf"^{failure.redirect_error}$"):
        client.finish(url)
