"""Each operation on the network fails once, over a real socket with TLS: nothing is half done.

The operations are those of the one thread that serves the app: the look-up of the address, the
connect, the TLS handshake, each send and each receive. The peer is left alone.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, TypeAlias

import pytest
from cachelib import SimpleCache
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_altdentifier import blueprint, current_grant, requires_scope
from flask_altdentifier.transport import HTTPTransport

from ..support import bare_app, begin, cookies_of, extension, reason
from .peer import Peer, http, peer

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("trusted")]

#: `ALTDENTIFIER_TIMEOUT`, in seconds; no fault here takes as long.
TIMEOUT = 10.0

#: Where each operation of a connection is done, plain or over TLS, and what it is called here.
OPERATIONS: list[tuple[Any, str, str]] = [
    (socket, "getaddrinfo", "look-up"),
    (socket.socket, "connect", "connect"),
    (socket.socket, "connect_ex", "connect"),
    (socket.socket, "send", "send"),
    (socket.socket, "sendall", "send"),
    (socket.socket, "sendto", "send"),
    (socket.socket, "recv", "receive"),
    (socket.socket, "recv_into", "receive"),
    (socket.socket, "recvfrom", "receive"),
    (ssl.SSLSocket, "do_handshake", "handshake"),
    (ssl.SSLSocket, "send", "send"),  # sendall() is made of it
    (ssl.SSLSocket, "recv", "receive"),
    (ssl.SSLSocket, "recv_into", "receive"),
    (ssl.SSLSocket, "unwrap", "goodbye"),
]


#: Does one operation of the network, or a part of it, on a connection where there is one by then,
#: and fails.
Fault: TypeAlias = Callable[[Callable[[], Any], "socket.socket | None"], Any]


def error_before(_: Callable[[], Any], __: socket.socket | None) -> Any:
    """Nothing is done, and the system says so."""
    raise OSError(errno.EIO, "Input/output error")


def error_after(operate: Callable[[], Any], _: socket.socket | None) -> Any:
    """All is done, and the system says that it was not."""
    operate()
    raise OSError(errno.EIO, "Input/output error")


def timeout_before(_: Callable[[], Any], __: socket.socket | None) -> Any:
    """Nothing is done, and the time is up."""
    raise TimeoutError


def timeout_after(operate: Callable[[], Any], _: socket.socket | None) -> Any:
    """All is done, but the time is up."""
    operate()
    raise TimeoutError


def cut(operate: Callable[[], Any], connection: socket.socket | None) -> Any:
    """The connection is gone for both sides from here on; where there is none, so is the name."""
    if connection is None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        os.dup2(ours.fileno(), connection.fileno(), inheritable=False)
    return operate()


BROKEN, LATE = (502, "provider_error"), (504, "provider_timeout")
#: Each fault, with the status and the reason that the contract has for it.
FAULTS: dict[Fault, tuple[int, str]] = {
    error_before: BROKEN,
    error_after: BROKEN,
    cut: BROKEN,
    timeout_before: LATE,
    timeout_after: LATE,
}
#: What it takes to open a connection.
OPENING = ["look-up", "connect", "handshake"]


class Network:
    """What this thread does on the network, one operation after the other; one of them can fail."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.done: list[str] = []
        self._number = 0
        self._fault: Fault = error_before

    def fail_at(self, number: int, fault: Fault) -> None:
        """Forget what was done, and let the operation of this number, counted from 1, fail."""
        self.done, self._number, self._fault = [], number, fault

    def mend(self) -> list[str]:
        """Let all work again; return what was done, of which the last failed if one did."""
        done, self.done, self._number = self.done, [], 0
        return done

    def replace(self, patch: pytest.MonkeyPatch, owner: Any, method: str, name: str) -> None:
        """Watch one kind of operation."""
        real = getattr(owner, method)

        def watched(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self.thread:
                return real(*args, **kwargs)
            self.done.append(name)
            if len(self.done) != self._number:
                return real(*args, **kwargs)
            connection = args[0] if isinstance(args[0], socket.socket) else None
            return self._fault(lambda: real(*args, **kwargs), connection)

        patch.setattr(owner, method, watched)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """The network as this thread uses it."""
    network = Network()
    for owner, method, name in OPERATIONS:
        network.replace(monkeypatch, owner, method, name)
    return network


class Site:
    """An app before a provider that gives a token for any code, in an answer of four parts."""

    def __init__(self, provider: Peer) -> None:
        self.provider = provider
        self.codes = (f"code-{number}" for number in count(1))
        self.app = bare_app(
            ALTDENTIFIER_BASE_URL=provider.origin,
            ALTDENTIFIER_TIMEOUT=TIMEOUT,
            ALTDENTIFIER_STORE=SimpleCache(threshold=100_000),
        )
        self.app.register_blueprint(blueprint)
        self.app.add_url_rule("/me", "me", requires_scope()(lambda: current_grant.access_token))

    def log_in(self, client: FlaskClient) -> str:
        """Go through a login that works, and return its token."""
        response = finish(client, next(self.codes), begin(client))
        assert response.status_code == 303
        token = client.get("/me").text
        assert self.tokens() == [token]
        return token

    def tokens(self) -> list[str]:
        """Return the access tokens of all the grants in the store."""
        cache = extension(self.app).store.cache
        assert isinstance(cache, SimpleCache)
        kept = [cache.get(key) for key in list(cache._cache) if ":grant:" in key]
        return [record["access_token"] for record in map(json.loads, kept) if record is not None]

    def forget(self) -> None:
        """Empty the store, and close the idle connection: all begins anew."""
        self.app.config["ALTDENTIFIER_STORE"].clear()
        transport = extension(self.app).transport
        assert isinstance(transport, HTTPTransport)
        connection = transport.pool._get_conn()
        connection.close()
        transport.pool._put_conn(connection)


@contextmanager
def site(certificate: ssl.SSLContext) -> Iterator[Site]:
    """Run a provider, and check at the end that no code came twice."""
    numbers = count(1)

    def talk(connection: socket.socket) -> None:
        token = {"access_token": f"token-{next(numbers)}", "token_type": "Bearer"}
        body = json.dumps(token | {"expires_in": 604_800, "scope": "read:user"}).encode()
        head, _, body = http(body).partition(b"\r\n\r\n")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in (head[:20], head[20:] + b"\r\n\r\n", body[:30], body[30:]):
            connection.sendall(part)  # a record of TLS each, so a receive each

    with peer(talk, certificate) as provider:
        yield Site(provider)
    # It is closed: whatever was on its way has come.
    counted = Counter(form["code"][0] for form in provider.forms)
    assert counted
    assert set(counted.values()) == {1}


def finish(client: FlaskClient, code: str, state: str) -> TestResponse:
    """Come back from the provider."""
    return client.get("/callback", query_string={"code": code, "state": state})


def login_cookies(client: FlaskClient) -> dict[str, str]:
    """Return the login cookies of a browser."""
    cookies = cookies_of(client).items()
    return {k: v for k, v in cookies if k.startswith("altdentifier") and "_state_" not in k}


def fails_at(number: int, fault: Fault, site: Site, network: Network, *, warm: bool) -> list[str]:
    """Log in with one failure, and check what must hold; return the operations until then.

    On a warm pool the browser has a login already, which came over the connection that is kept.
    """
    site.forget()
    client = site.app.test_client()
    first = site.log_in(client) if warm else None
    cookies, tokens = login_cookies(client), site.tokens()
    code, state = next(site.codes), begin(client)
    network.fail_at(number, fault)
    start = time.monotonic()
    response = finish(client, code, state)
    assert time.monotonic() - start < TIMEOUT / 2
    operations = network.mend()
    if len(operations) < number:
        assert response.status_code == 303
        return operations
    # Nothing is tried again; of a connection that was cut the end is read.
    assert set(operations[number:]) <= ({"receive"} if fault is cut else set())
    told = (response.status_code, reason(response))
    assert told == FAULTS[fault]
    # No half login: the browser and the store have what they had.
    assert login_cookies(client) == cookies
    assert site.tokens() == tokens
    assert client.get("/me").status_code == (200 if warm else 401)
    # The same callback again leads nowhere.
    assert finish(client, code, state).status_code == (303 if warm else 400)
    assert network.mend() == []
    # What has failed is not used again, so no answer is taken for the answer to another.
    second = site.log_in(client)
    assert network.mend()[: len(OPENING)] == OPENING
    assert second != first
    return operations


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_login_with_a_failing_network(
    fault: Fault, warm: bool, certificate: ssl.SSLContext, network: Network
) -> None:
    """Whichever operation of a login fails: no half login, no code sent twice, a new one works."""
    with site(certificate) as running:
        for number in count(1):
            operations = fails_at(number, fault, running, network, warm=warm)
            if len(operations) < number:
                break
    opening = 0 if warm else len(OPENING)
    assert operations[:opening] == OPENING[:opening]
    exchange = operations[opening:]
    assert exchange == sorted(exchange, key=["send", "receive"].index)
    assert exchange.count("send") >= 1
    assert exchange.count("receive") >= 4


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_begin_and_logout_use_no_network(
    fault: Fault, certificate: ssl.SSLContext, network: Network
) -> None:
    """With a network that fails a login begins, and a logout ends it for good."""
    with site(certificate) as running:
        client = running.app.test_client()
        running.log_in(client)
        requests, connections = len(running.provider.requests), running.provider.connections
        old = cookies_of(client)
        network.fail_at(1, fault)
        begin(client)
        assert client.post("/logout").status_code == 303
        assert client.get("/me").status_code == 401
        thief = running.app.test_client()
        for name, value in old.items():
            thief.set_cookie(name, value)
        assert thief.get("/me").status_code == 401
        assert running.tokens() == []
        assert network.mend() == []
        assert (len(running.provider.requests), running.provider.connections) == (
            requests,
            connections,
        )
        running.log_in(client)
        assert network.mend()
