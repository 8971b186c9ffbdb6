"""The provider as an adversary: a login through the real routes, over real sockets and TLS.

Whatever it does, the worker is free again within `TIMEOUT` and a second, its memory has not grown
by 4 MB, nothing that the provider sent is logged or stored, and the code was sent once.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_altdentifier import api, blueprint, current_grant, requires_scope
from flask_altdentifier.transport import HTTPTransport

from ..support import bare_app, begin, extension, finish, log_in, reason
from .peer import Peer, Talk, hang_up, http, peer, saying
from .watch import Watch, found, text_of_response

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("trusted")]

#: `ALTDENTIFIER_TIMEOUT`, in seconds.
TIMEOUT = 1.0
#: Bytes by which memory may grow.
ROOM = 4 * 1024 * 1024
#: Stands in all that the adversary sends.
WORD = "adversarys-word"

GOOD = {
    "access_token": f"{WORD}-access-token",
    "token_type": "Bearer",
    "expires_in": 604_800,
    "refresh_token": f"{WORD}-refresh-token",
    "scope": "read:user",
}
HEAD = b"HTTP/1.1 200 OK\r\nX-Word: " + WORD.encode() + b"\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def token(**members: Any) -> bytes:
    """Return a good token response but for *members*."""
    return json.dumps(GOOD | members).encode()


# What is measured


class Meter:
    """What something cost: seconds, bytes that Python took, bytes that the process took."""

    seconds: float
    python: int
    process: int

    def check(self) -> None:
        """Fail where it took too long, or too much."""
        assert self.seconds < TIMEOUT + 1
        assert self.python < ROOM
        assert self.process < ROOM


@contextmanager
def measured() -> Iterator[Meter]:
    """Measure time, and the peak of memory above what was taken before."""
    meter = Meter()
    tracemalloc.start()
    before_python, before_process = tracemalloc.get_traced_memory()[0], memory("VmRSS")
    forget_peak()
    start = time.monotonic()
    try:
        yield meter
    finally:
        meter.seconds = time.monotonic() - start
        meter.process = memory("VmHWM") - before_process
        meter.python = tracemalloc.get_traced_memory()[1] - before_python
        tracemalloc.stop()


def memory(name: str) -> int:
    """Return what Linux tells of this process's memory, in bytes; 0 elsewhere."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def forget_peak() -> None:
    """Let `VmHWM` begin anew from what is taken now."""
    peak = Path("/proc/self/clear_refs")
    if peak.exists():
        peak.write_text("5")


def test_meter_sees_memory() -> None:
    """The meter tells 6 MB that are taken and given back, of Python and of the process."""
    with measured() as meter:
        block = bytearray(6 * 1024 * 1024)
        del block
        # Of the system, not of what the process holds free.
        with mmap(-1, 6 * 1024 * 1024) as pages:
            pages[::4096] = b"x" * len(pages[::4096])
    assert meter.python > ROOM
    assert meter.process > ROOM or not memory("VmRSS")


def test_meter_sees_time() -> None:
    """The meter tells a second that is too many."""
    meter = Meter()
    meter.seconds, meter.python, meter.process = TIMEOUT + 1, 0, 0
    with pytest.raises(AssertionError):
        meter.check()


# The app


def app_for(adversary: Peer, **config: Any) -> Flask:
    """Return an app that talks to *adversary* as it would to AltDentifier."""
    app = bare_app(
        ALTDENTIFIER_BASE_URL=adversary.origin,
        ALTDENTIFIER_TIMEOUT=TIMEOUT,
        ALTDENTIFIER_STORE=SimpleCache(threshold=100_000),
        **config,
    )
    app.register_blueprint(blueprint)
    app.add_url_rule("/me", "me", requires_scope()(lambda: sorted(current_grant.scope)))
    app.add_url_rule("/ask", "ask", lambda: str(api.get("/api/v2/me").status))
    return app


def records(app: Flask) -> list[Any]:
    """Return the values of all that stands in the store."""
    cache = extension(app).store.cache
    assert isinstance(cache, SimpleCache)
    return [json.loads(cache.get(key)) for key in list(cache._cache)]


def warm(app: Flask, adversary: Peer) -> None:
    """Go through a login that works, so that what is measured is not what is loaded once."""
    talk, adversary.talk = adversary.talk, saying(http(token()))
    log_in(app.test_client())
    # Its idle connection would be used again, and the adversary's handshake not be seen.
    transport = extension(app).transport
    assert isinstance(transport, HTTPTransport)
    connection = transport.pool._get_conn()
    connection.close()
    transport.pool._put_conn(connection)
    adversary.talk = talk
    adversary.requests.clear()
    app.config["ALTDENTIFIER_STORE"].clear()


def attacked(app: Flask, adversary: Peer, watch: Watch) -> tuple[FlaskClient, TestResponse]:
    """Log in while the adversary does its worst, and check what must hold whatever it does."""
    client = app.test_client()
    state = begin(client)
    with measured() as meter:
        response = finish(client, state)
    meter.check()
    assert [form["code"] for form in adversary.forms] in ([["a-code"]], [])
    assert finish(client, state).status_code in {303, 400}
    assert len(adversary.requests) <= 1
    assert found([WORD], watch.text) == []
    assert found([WORD], text_of_response(response)) == []
    return client, response


def refused(app: Flask, adversary: Peer, watch: Watch) -> TestResponse:
    """Check that an attack ended in no login, and that nothing is left of it."""
    client, response = attacked(app, adversary, watch)
    assert client.get("/me").status_code == 401
    # What may stand there is the room that was kept for a grant, and it is empty.
    assert [record for record in records(app) if record is not None] == []
    adversary.talk = saying(http(token()))
    log_in(client)
    return response


# It holds the connection


def waiting(adversary: Callable[[], Peer], *parts: bytes, pause: float, first: bytes = b"") -> Talk:
    """Return a talk that says *first*, then one part after each pause, and then nothing."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        for part in parts:
            if adversary().over.wait(pause):
                return
            connection.sendall(part)
        adversary().over.wait(30)

    return talk


def bytes_of(text: bytes) -> list[bytes]:
    """Return each byte."""
    return [bytes([byte]) for byte in text]


HOLDS: dict[str, dict[str, Any]] = {
    "silence": {"parts": []},
    "headers-drip": {"parts": bytes_of(HEAD * 20)},
    "status-drips": {"parts": bytes_of(HEAD)},
    "interim-drips": {"parts": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 200},
    "body-drips": {
        "first": HEAD + b"Content-Length: 500\r\n\r\n",
        "parts": bytes_of(token() + b" " * 400),
    },
    "body-without-length-drips": {"first": HEAD + b"\r\n", "parts": bytes_of(token())},
    "chunks-drip": {"first": CHUNKED, "parts": [b"1\r\n{\r\n"] * 200},
    "chunk-size-drips": {"first": CHUNKED, "parts": [b"1"] * 200},
    "trailers-drip": {"first": CHUNKED + b"0\r\n", "parts": [b"X: y\r\n"] * 200},
    "redirect-drips": {
        "first": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 500\r\n\r\n",
        "parts": [b"x"] * 200,
    },
}


@pytest.mark.parametrize("hold", HOLDS)
def test_connection_is_held(hold: str, certificate: ssl.SSLContext, watch: Watch) -> None:
    """A provider that is silent, or sends a byte now and then, is left in time: 504."""
    script = {"pause": 0.05, **HOLDS[hold]}
    running: list[Peer] = []
    talk = waiting(
        lambda: running[0],
        *script["parts"],
        pause=script["pause"],
        first=script.get("first", b""),
    )
    with peer(talk, certificate) as adversary:
        running.append(adversary)
        app = app_for(adversary)
        warm(app, adversary)
        response = refused(app, adversary, watch)
    assert (response.status_code, reason(response)) == (504, "provider_timeout")


@pytest.mark.parametrize("first", [b"", b"\x16\x03\x03\x40\x00"], ids=["silence", "drip"])
def test_handshake_is_held(first: bytes, certificate: ssl.SSLContext, watch: Watch) -> None:
    """A provider that never ends the TLS handshake gets no code, and is left in time."""
    running: list[Peer] = []
    talk = waiting(lambda: running[0], *[b"\x00"] * 200, pause=0.05, first=first)
    with peer(talk, certificate, shakes=False) as adversary:
        running.append(adversary)
        app = app_for(adversary)
        adversary.shakes = True
        warm(app, adversary)
        adversary.shakes = False
        client, response = attacked(app, adversary, watch)
        assert client.get("/me").status_code == 401
    assert reason(response) in {"provider_timeout", "provider_error"}
    assert adversary.requests == []


# It sends too much


def endless(head: bytes, part: bytes, size: int = 200_000_000) -> Talk:
    """Return a talk that sends *size* bytes of *part*, while it is read."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(size // len(part)):
            connection.sendall(part)

    return talk


BOMB = gzip.compress(token(word=WORD) + b" " * 50_000_000)
MEGABYTES = {
    "200-MB": endless(HEAD + b"Content-Length: 200000000\r\n\r\n", b"x" * 65536),
    "200-MB-without-length": endless(HEAD + b"\r\n", b"x" * 65536),
    "200-MB-of-spaces-then-a-token": endless(HEAD + b"\r\n", b" " * 65536),
    "200-MB-of-chunks": endless(CHUNKED, b"2000\r\n" + b"x" * 0x2000 + b"\r\n"),
    "200-MB-of-one-byte-chunks": endless(CHUNKED, b"1\r\nx\r\n" * 10_000),
    "200-MB-of-chunk-extensions": endless(CHUNKED + b"1;", b"x" * 65536),
    "one-chunk-of-many-digits": endless(CHUNKED, b"f" * 65536),
    "200-MB-of-headers": endless(HEAD, b"X-Word: " + b"a" * 60_000 + b"\r\n"),
    "one-endless-header": endless(HEAD + b"X-Word: ", b"a" * 65536),
    "endless-status-line": endless(b"HTTP/1.1 200 ", b"a" * 65536),
    "endless-interim-responses": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000),
    "endless-early-hints": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 1000),
    "200-MB-of-trailers": endless(CHUNKED + b"0\r\n", b"X: " + b"a" * 60_000 + b"\r\n"),
    "200-MB-with-an-error-status": endless(
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 200000000\r\n\r\n", b"x" * 65536
    ),
}


@pytest.mark.parametrize("flood", MEGABYTES)
def test_flood(flood: str, certificate: ssl.SSLContext, watch: Watch) -> None:
    """200 MB, in whatever part of the response, are not read on: 502, or 504 on a slow machine."""
    with peer(MEGABYTES[flood], certificate) as adversary:
        app = app_for(adversary)
        warm(app, adversary)
        response = refused(app, adversary, watch)
    assert reason(response) in {"provider_error", "provider_timeout"}


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b"deflate", b"br", b"gzip, gzip"])
def test_gzip_bomb(encoding: bytes, certificate: ssl.SSLContext, watch: Watch) -> None:
    """50 MB in 49 kB are not unpacked: 502."""
    assert len(BOMB) < 64 * 1024
    answer = http(BOMB, b"Content-Encoding: " + encoding)
    with peer(saying(answer), certificate) as adversary:
        app = app_for(adversary)
        warm(app, adversary)
        response = refused(app, adversary, watch)
        assert b"\r\nAccept-Encoding: identity\r\n" in adversary.requests[0]
    assert (response.status_code, reason(response)) == (502, "provider_error")


# It sends the code elsewhere


@pytest.mark.parametrize(
    "status", ["300", "301", "302", "303", "304", "305", "307", "308"], ids="{}".format
)
@pytest.mark.parametrize("where", ["itself", "another-host", "plain-http"])
def test_redirect(status: str, where: str, certificate: ssl.SSLContext, watch: Watch) -> None:
    """No redirect is followed, to wherever it leads: the code and the secret are sent once."""
    with (
        peer(saying(http(token())), certificate if where == "another-host" else None) as thief,
        peer(saying(), certificate) as adversary,
    ):
        place = (adversary if where == "itself" else thief).origin
        # With the body of a good response: the status alone decides.
        body = b"" if status == "304" else token()
        adversary.talk = saying(
            http(body, f"Location: {place}/{WORD}".encode(), status=f"{status} X".encode())
        )
        app = app_for(adversary)
        warm(app, adversary)
        response = refused(app, adversary, watch)
        assert thief.connections == 0
    assert (response.status_code, reason(response)) == (502, "provider_error")


# It breaks off, or speaks nonsense


def reset(connection: socket.socket) -> None:
    """Break off with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


NONSENSE: dict[str, Talk] = {
    "nothing": saying(hang_up_after=True),
    "reset": reset,
    "status-line-cut": saying(b"HTTP/1.1 20", hang_up_after=True),
    "headers-cut": saying(HEAD, hang_up_after=True),
    "body-cut": saying(http(token())[:-1], hang_up_after=True),
    "body-empty": saying(HEAD + b"Content-Length: 100\r\n\r\n", hang_up_after=True),
    "chunk-cut": saying(CHUNKED + b"ff\r\n" + token(), hang_up_after=True),
    "last-chunk-missing": saying(
        CHUNKED + b"%x\r\n%s\r\n" % (len(token()), token()), hang_up_after=True
    ),
    "garbage": saying(bytes(range(256)) * 20, hang_up_after=True),
    "html": saying(http(f"<html>{WORD}</html>".encode(), b"Content-Type: text/html")),
    "HTTP/0.9": saying(token(), hang_up_after=True),
    "HTTP/2": saying(b"HTTP/2 200 OK\r\n\r\n" + token(), hang_up_after=True),
    "status-0": saying(http(token(), status=b"0 X"), hang_up_after=True),
    "status-999": saying(http(token(), status=b"999 " + WORD.encode())),
    "status-201": saying(http(token(), status=b"201 Created")),
    "status-206": saying(http(token(), status=b"206 Partial Content")),
    "status-101": saying(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", hang_up_after=True),
    "header-without-colon": saying(HEAD + WORD.encode() + b"\r\n\r\n" + token()),
    "header-with-nul": saying(http(token(), b"X-Word\x00: " + WORD.encode())),
    "header-folded": saying(HEAD + b"Content-Length: 5\r\n 0\r\n\r\n" + token()),
    "two-lengths": saying(HEAD + b"Content-Length: 1\r\nContent-Length: 250\r\n\r\n" + token()),
    "length-is-a-list": saying(HEAD + b"Content-Length: 250, 250\r\n\r\n" + token()),
    "length-is-negative": saying(HEAD + b"Content-Length: -1\r\n\r\n" + token()),
    "length-is-10^30": saying(HEAD + b"Content-Length: 1%s\r\n\r\n" % (b"0" * 30) + token()),
    "chunk-is-negative": saying(CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n"),
    "chunk-is-no-number": saying(CHUNKED + WORD.encode() + b"\r\n"),
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense(nonsense: str, certificate: ssl.SSLContext, watch: Watch) -> None:
    """What is no whole HTTP response of status 200 is 502, or 504 where more was promised."""
    with peer(NONSENSE[nonsense], certificate) as adversary:
        app = app_for(adversary)
        warm(app, adversary)
        response = refused(app, adversary, watch)
    assert reason(response) in {"provider_error", "provider_timeout"}


def test_idle_connection_that_breaks_off(certificate: ssl.SSLContext, watch: Watch) -> None:
    """A code that met a connection which breaks off is not sent again over a new one."""
    with peer(saying(http(token())), certificate) as adversary:
        app = app_for(adversary)
        log_in(app.test_client())
        adversary.requests.clear()
        app.config["ALTDENTIFIER_STORE"].clear()
        adversary.talk = hang_up
        assert reason(refused(app, adversary, watch)) == "provider_error"
        assert [form["code"] for form in adversary.forms[:-1]] == [["a-code"]]


def test_plain_http_behind_a_tls_port(certificate: ssl.SSLContext, watch: Watch) -> None:
    """A server that speaks no TLS gets no code."""
    with peer(saying(http(token())), certificate) as adversary:
        app = app_for(adversary)
        warm(app, adversary)
        adversary.shakes = False
        client, response = attacked(app, adversary, watch)
        assert client.get("/me").status_code == 401
    assert reason(response) == "provider_error"
    assert adversary.requests == []


# It sends a token that is none


DEEP = b'{"a":' * 12_000 + b"1" + b"}" * 1_000
BODIES: dict[str, bytes] = {
    "empty": b"",
    "not-utf-8": token().replace(b"Bearer", b"\xff\xfe"),
    "utf-16": token().decode().encode("utf-16"),
    "byte-order-mark": b"\xef\xbb\xbf" + token(),
    "cut": token()[:-1],
    "two-values": token() + token(),
    "single-quotes": token().replace(b'"', b"'"),
    "form": b"access_token=adversarys-word&token_type=Bearer",
    "null": b"null",
    "list": b"[" + token() + b"]",
    "text": json.dumps(token().decode()).encode(),
    "deep-lists": b"[" * 64_000,
    "deep-objects": DEEP,
    "deep-member": token()[:-1] + b', "word": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "access-token-twice": token()[:-1] + b', "access_token": "x"}',
    "scope-twice": token()[:-1] + b', "scope": "read:user write:integrations"}',
    "unknown-name-twice": token()[:-1] + b', "x": 1, "x": 2}',
    "name-twice-within": token()[:-1] + b', "x": {"y": 1, "y": 2}}',
    "nan-lifetime": token(expires_in=float("nan")),
    "infinite-lifetime": token(expires_in=float("inf")),
    "nan-elsewhere": token(x=float("nan")),
    "lifetime-of-many-digits": token(expires_in=1)[:-1].replace(
        b'"expires_in": 1', b'"expires_in": -' + b"9" * 5000
    )
    + b"}",
    "surrogate-access-token": token(access_token="\ud800"),
    "surrogate-type": token(token_type="Bearer\udfff"),
    "surrogate-scope": token(scope="read:user \ud800"),
    "error": b'{"error": "invalid_grant", "error_description": "adversarys-word"}',
    "html-with-a-token": b"<!-- -->" + token(),
}


@pytest.mark.parametrize("body", BODIES)
def test_body_is_no_token(body: str, certificate: ssl.SSLContext, watch: Watch) -> None:
    """A body that is no token response in strict JSON is 502."""
    with peer(saying(http(BODIES[body])), certificate) as adversary:
        app = app_for(adversary)
        warm(app, adversary)
        response = refused(app, adversary, watch)
    assert (response.status_code, reason(response)) == (502, "provider_error")


VALUES: list[Any] = [None, True, False, 0, -1, 1.5, 10**30, "", "é", "a\nb", "\ud800", [], {}, [1]]
#: The values that mean something in a field: absent and null alike, or a number of seconds.
FINE: dict[str, list[Any]] = {
    "access_token": [],
    "token_type": [],
    "expires_in": [None, 1.5, 10**30],
    "scope": [""],
}
WRONG = [
    (name, value)
    for name, fine in FINE.items()
    for value in VALUES
    if not any(value is one or (type(value) is type(one) and value == one) for one in fine)
]


@pytest.mark.parametrize("name", FINE)
def test_wrong_types(name: str, certificate: ssl.SSLContext, watch: Watch) -> None:
    """A field of another type than RFC 6749 section 5.1 gives it is 502, never a login."""
    with peer(saying(), certificate) as adversary:
        app = app_for(adversary)
        for value in [value for field, value in WRONG if field == name]:
            adversary.talk = saying(http(token(**{name: value})))
            adversary.requests.clear()
            app.config["ALTDENTIFIER_STORE"].clear()
            response = refused(app, adversary, watch)
            assert (response.status_code, reason(response)) == (502, "provider_error"), value


@pytest.mark.parametrize(
    ("members", "scope"),
    [
        ({"expires_in": 10**30}, ["read:user"]),
        ({"expires_in": "9" * 5000}, ["read:user"]),
        ({"expires_in": 1e308}, ["read:user"]),
        ({"refresh_token": "\ud800"}, ["read:user"]),
        ({"refresh_token": [10**30]}, ["read:user"]),
        ({"scope": "read:user write:integrations admin"}, ["read:user"]),
        ({"word\ud800": {"\udfff": "\ud800"}}, ["read:user"]),
        ({"expires_at": -1, "created_at": "x"}, ["read:user"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_odd_token_is_tamed(
    members: dict[str, Any], scope: list[str], certificate: ssl.SSLContext, watch: Watch
) -> None:
    """A token response that is valid but odd logs in, with what was asked for, for ten years."""
    with peer(saying(http(token(**members))), certificate) as adversary:
        app = app_for(adversary)
        client, response = attacked(app, adversary, watch)
        assert response.status_code == 303
        assert client.get("/me").json == scope
        [grant] = [record for record in records(app) if record is not None]
        assert grant.keys() == {
            "access_token",
            "refresh_token",
            "scope",
            "requested_scope",
            "expires_at",
        }
        assert grant["expires_at"] <= time.time() + 3650 * 86_400
        assert grant["refresh_token"] in {None, GOOD["refresh_token"]}
        assert grant["scope"] == scope


# Its other endpoints


@pytest.mark.parametrize("flood", ["200-MB", "200-MB-of-headers", "endless-interim-responses"])
def test_api_is_flooded(flood: str, certificate: ssl.SSLContext, watch: Watch) -> None:
    """A bearer call reads no more of a flood than the exchange does."""
    with peer(saying(http(token())), certificate) as adversary:
        app = app_for(adversary)
        client = app.test_client()
        log_in(client)
        client.get("/ask")
        adversary.talk = MEGABYTES[flood]
        with measured() as meter:
            response = client.get("/ask")
        meter.check()
        assert reason(response) in {"provider_error", "provider_timeout"}
    assert found([WORD], watch.text) == []


def test_api_is_held(certificate: ssl.SSLContext, watch: Watch) -> None:
    """A bearer call that is held ends in time, and the login lives."""
    with peer(saying(http(token())), certificate) as adversary:
        app = app_for(adversary)
        client = app.test_client()
        log_in(client)
        adversary.talk = waiting(lambda: adversary, *bytes_of(HEAD * 20), pause=0.05)
        with measured() as meter:
            response = client.get("/ask")
        meter.check()
        assert reason(response) == "provider_timeout"
        assert client.get("/me").status_code == 200
    assert found([WORD], watch.text) == []


@pytest.mark.parametrize("status", [b"302 Found", b"307 Temporary Redirect"])
def test_api_redirect_carries_no_token(
    status: bytes, certificate: ssl.SSLContext, watch: Watch
) -> None:
    """A bearer call that is redirected returns the redirect; the token goes nowhere else."""
    with (
        peer(saying(http(b"{}"))) as thief,
        peer(saying(http(token())), certificate) as adversary,
    ):
        app = app_for(adversary)
        client = app.test_client()
        log_in(client)
        adversary.talk = saying(http(b"", f"Location: {thief.origin}/".encode(), status=status))
        assert client.get("/ask").text == status[:3].decode()
        assert thief.connections == 0
    assert found([WORD], watch.text) == []


# The sum


def test_all_workers_are_held_at_once(certificate: ssl.SSLContext, watch: Watch) -> None:
    """Eight workers that are held at once are all free again in the time of one."""
    from concurrent.futures import ThreadPoolExecutor

    running: list[Peer] = []
    talk = waiting(lambda: running[0], *bytes_of(HEAD * 20), pause=0.05)
    with peer(talk, certificate) as adversary:
        running.append(adversary)
        app = app_for(adversary)
        warm(app, adversary)
        clients = [app.test_client() for _ in range(8)]
        states = [begin(client) for client in clients]
        start = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(finish, clients, states))
        assert time.monotonic() - start < TIMEOUT + 1
        assert {reason(answer) for answer in answers} == {"provider_timeout"}
        assert len(adversary.requests) == 8
    assert found([WORD], watch.text) == []
