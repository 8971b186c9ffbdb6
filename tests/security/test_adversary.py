"""The provider as an adversary: a login through the real routes, over real sockets and TLS.

Whatever it sends, the worker is free again within `TIMEOUT` and a second, its memory has not grown
by 4 MB, nothing that was sent is logged, shown or stored, and the code was sent once.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

from flask_altdentifier import api, blueprint, requires_scope
from flask_altdentifier.http.transport import HTTPTransport

from ..http.peer import Peer, Respond, hang_up, http, peer, send
from ..support import WatchedStore, bare_app, finish, log_in, reason, start, state_of, store_of
from .watch import Watch, found, text_of_response

pytestmark = pytest.mark.server

#: `ALTDENTIFIER_TIMEOUT`, in seconds.
TIMEOUT = 1.0
#: Bytes by which memory may grow.
ROOM = 4 * 1024 * 1024
#: Stands in all that the adversary sends.
WORD = "adversarys-word"
TOKEN = json.dumps({"access_token": WORD, "token_type": "Bearer"}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nX-Word: " + WORD.encode() + b"\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(TOKEN + b" " * 50_000_000)


def drip(text: bytes, first: bytes = b"") -> Respond:
    """Send *first*, and then *text* byte by byte."""
    return send(first, *(bytes([byte]) for byte in text), pause=0.03)


def flood(head: bytes, part: bytes) -> Respond:
    """Send *head*, and then 200 MB of *part*."""

    def respond(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200_000_000 // len(part)):
            connection.sendall(part)

    return respond


SCRIPTS: dict[str, Respond] = {
    "silence": send(b""),
    "body drips": drip(TOKEN + b" " * 400, HEAD + b"Content-Length: 500\r\n\r\n"),
    "chunks drip": send(CHUNKED, *[b"1\r\n{\r\n"] * 200, pause=0.03),
    "endless body": flood(HEAD + b"\r\n", b" " * 65536),
    "endless chunks": flood(CHUNKED, b"2000\r\n" + b"x" * 0x2000 + b"\r\n"),
    "endless chunks of a byte": flood(CHUNKED, b"1\r\nx\r\n" * 10_000),
    "endless headers": flood(HEAD, b"X-Word: " + b"a" * 60_000 + b"\r\n"),
    "endless interim responses": flood(b"", b"HTTP/1.1 103 X\r\nLink: x\r\n\r\n" * 1000),
    "gzip bomb": send(http(BOMB, b"Content-Encoding: gzip")),
    "hang-up": hang_up,
    "body cut": send(http(TOKEN)[:-1], close=True),
    "garbage": send(bytes(range(256)) * 20, close=True),
    "status 201": send(http(TOKEN, status=b"201 Created")),
    "html": send(http(f"<html>{WORD}</html>".encode(), b"Content-Type: text/html")),
    "deep json": send(http(b'{"a":' * 12_000 + b"1" + b"}" * 1_000)),
    "name twice": send(http(TOKEN[:-1] + b', "access_token": "x"}')),
}


def memory(name: str) -> int:
    """Return a value of this process's memory, in bytes, or 0 if the system does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


@contextmanager
def measured() -> Iterator[SimpleNamespace]:
    """Measure seconds, and the peaks of Python's memory and the process's."""
    peak, meter = Path("/proc/self/clear_refs"), SimpleNamespace()
    tracemalloc.start()
    before, start = (tracemalloc.get_traced_memory()[0], memory("VmRSS")), time.monotonic()
    if peak.exists():
        peak.write_text("5")
    yield meter
    meter.seconds = time.monotonic() - start
    meter.process = memory("VmHWM") - before[1]
    meter.python = tracemalloc.get_traced_memory()[1] - before[0]
    tracemalloc.stop()


def test_meter_sees_memory() -> None:
    with measured() as meter:
        del [bytearray(6 * 1024 * 1024)][0]
    assert meter.python > ROOM


@pytest.fixture
def adversary(trusted: None, certificate: Callable[[str], ssl.SSLContext]) -> Iterator[Peer]:
    with peer(send(http(TOKEN)), certificate("127.0.0.1")) as running:
        yield running


@pytest.fixture
def app(adversary: Peer) -> Iterator[Flask]:
    """An app that has logged somebody in, so that all modules are loaded."""
    app = bare_app(
        ALTDENTIFIER_BASE_URL=adversary.origin,
        ALTDENTIFIER_TIMEOUT=TIMEOUT,
        ALTDENTIFIER_STORE=WatchedStore(),
    )
    app.register_blueprint(blueprint)
    app.add_url_rule("/me", "me", requires_scope()(lambda: "me"))
    app.add_url_rule("/ask", "ask", lambda: str(api.get("/api/v2/me").status))
    log_in(app.test_client())
    adversary.requests.clear()
    yield app
    transport = state_of(app).transport
    assert isinstance(transport, HTTPTransport)
    transport._pool().close()


@pytest.mark.parametrize("script", SCRIPTS)
def test_login_is_refused_in_time(script: str, app: Flask, adversary: Peer, watch: Watch) -> None:
    client = app.test_client()
    grants = store_of(app).keys("grant")
    adversary.respond = SCRIPTS[script]
    for _ in range(3):  # a busy machine may be late once
        state = start(client)
        adversary.requests.clear()
        with measured() as meter:
            response = finish(client, state)
        assert reason(response) in {"provider_error", "provider_timeout", "code_rejected"}
        assert finish(client, state).status_code == 400
        assert len(adversary.requests) == 1
        if meter.seconds < TIMEOUT + 1:
            break
    assert meter.seconds < TIMEOUT + 1
    assert max(meter.python, meter.process) < ROOM
    assert found([WORD], watch.text + text_of_response(response)) == []
    assert store_of(app).keys("grant") == grants
    adversary.respond = send(http(TOKEN))
    log_in(client)
    assert client.get("/me").status_code == 200


def test_no_redirect_is_followed(app: Flask, adversary: Peer) -> None:
    """Neither code nor secret nor token goes elsewhere."""
    client = app.test_client()
    log_in(client)
    with peer(send(http(TOKEN))) as thief:
        place = f"Location: {thief.origin}/{WORD}".encode()
        adversary.respond = send(http(TOKEN, place, status=b"307 X"))
        assert client.get("/ask").text == "307"
        assert reason(finish(client, start(client))) == "provider_error"
        assert thief.connections == 0


@pytest.mark.parametrize("script", ["endless body", "endless headers", "body drips"])
def test_api_call_ends_in_time(script: str, app: Flask, adversary: Peer, watch: Watch) -> None:
    client = app.test_client()
    log_in(client)
    adversary.respond = SCRIPTS[script]
    with measured() as meter:
        assert reason(client.get("/ask")) in {"provider_error", "provider_timeout"}
    assert max(meter.python, meter.process) < ROOM
    assert found([WORD], watch.text) == []
    assert client.get("/me").status_code == 200


def test_idle_connection_that_breaks_takes_no_code_twice(app: Flask, adversary: Peer) -> None:
    adversary.respond = hang_up
    assert reason(finish(app.test_client(), start(app.test_client()))) == "invalid_state"
    client = app.test_client()
    assert reason(finish(client, start(client))) == "provider_error"
    assert len(adversary.requests) == 1


def test_eight_workers_wait_together(app: Flask, adversary: Peer) -> None:
    def respond(connection: socket.socket) -> None:
        """Say nothing."""

    adversary.respond = respond
    clients = [app.test_client() for _ in range(8)]
    states = [start(client) for client in clients]
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(finish, clients, states))
    assert time.monotonic() - begun < 3 * TIMEOUT
    assert {reason(response) for response in responses} == {"provider_timeout"}
    assert len(adversary.requests) == 8
