"""A transport that cleans up, and a certificate authority that this process trusts."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from flask_altdentifier.http.response import ApiResponse
from flask_altdentifier.http.transport import HTTPTransport

from .peer import Peer, Respond, peer


def whole(response: ApiResponse) -> ApiResponse:
    """Accept any response."""
    return response


class Client(HTTPTransport):
    """A transport whose exchanges are short to write."""

    def exchange(
        self,
        target: str = "/",
        *,
        method: str = "POST",
        body: bytes | None = b"hello",
        read: Callable[[ApiResponse], ApiResponse] = whole,
    ) -> ApiResponse:
        headers = {"A": "b", "accept-encoding": "gzip"}  # which the transport replaces
        return self.request(method, target, headers=headers, body=body, read=read)


#: Returns a client for an origin, with a timeout.
Connect = Callable[..., Client]
#: Runs a peer, and returns it with a client for it.
Serve = Callable[..., tuple[Peer, Client]]


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def connect(cleanup: ExitStack) -> Connect:
    def create(origin: str, timeout: float = 5) -> Client:
        client = Client(origin, timeout)
        cleanup.callback(lambda: client._pool().close())
        return client

    return create


@pytest.fixture
def serve(cleanup: ExitStack, connect: Connect) -> Serve:
    def start(
        respond: Respond, context: ssl.SSLContext | None = None, timeout: float = 5
    ) -> tuple[Peer, Client]:
        running = cleanup.enter_context(peer(respond, context))
        return running, connect(running.origin, timeout)

    return start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority."""
    return trustme.CA()


@pytest.fixture
def certificate(authority: trustme.CA) -> Callable[[str], ssl.SSLContext]:
    """Return a server's TLS context for a host name."""

    def context_for(host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(context)
        return context

    return context_for


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process trust `authority`, as an operator would."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture(params=["plain", "tls"])
def context(
    request: pytest.FixtureRequest,
    certificate: Callable[[str], ssl.SSLContext],
    trusted: None,
) -> ssl.SSLContext | None:
    """The TLS context of a trusted peer, or None for a plain one."""
    return certificate("127.0.0.1") if request.param == "tls" else None
