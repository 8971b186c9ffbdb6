"""One exchange over real sockets: what is sent, what is refused, and when it ends."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from flask_altdentifier.errors import ProviderError, ProviderTimeout
from flask_altdentifier.http import connection as connections
from flask_altdentifier.http.raw_response import MAX_BODY
from flask_altdentifier.http.response import ApiResponse
from flask_altdentifier.http.transport import HTTPTransport, user_agent

from .peer import http, peer, send

TIMEOUT = 0.4
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def exchange(origin: str, timeout: float = 5, body: bytes | None = b"hello") -> ApiResponse:
    """Send one request over a connection of its own."""
    transport = HTTPTransport(origin, timeout)
    with transport.request("POST", "/path", headers={"A": "b"}, body=body) as response:
        pass
    assert transport._current_pool is not None
    transport._current_pool.close()
    return response


def test_request_and_response_are_whole() -> None:
    with peer(send(http(b'{"a": 1}', b"X-Test: yes", status=b"404 Not Found"))) as running:
        response = exchange(running.origin)
    assert (response.status, response.headers["x-test"]) == (404, "yes")
    assert (response.data, response.json()) == (b'{"a": 1}', {"a": 1})
    head = running.requests[0].decode().split("\r\n")
    assert head[0] == "POST /path HTTP/1.1"
    assert {"A: b", "Accept-Encoding: identity", f"User-Agent: {user_agent()}"} < set(head)
    assert running.requests[0].endswith(b"\r\n\r\nhello")


def test_user_agent_names_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_agent() == f"flask-altdentifier/{metadata.version('flask-altdentifier')}"

    def not_found(name: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", not_found)
    assert user_agent.__wrapped__() == "flask-altdentifier"


def test_repr_hides_the_response() -> None:
    with peer(send(http(b"secret", b"X: secret"))) as running:
        assert repr(exchange(running.origin)) == "ApiResponse(status=200)"


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (b"", "RemoteDisconnected"),
        (b"garbage\r\n\r\n", "BadStatusLine"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "BadStatusLine"),
        (b"HTTP/2 200\r\n\r\n", "UnknownProtocol"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "MalformedResponse"),
        (b"HTTP/1.1 103 Hints\r\n\r\n" * 11 + http(b"x"), "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nContent-Len", "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\nbad line secret\r\nContent-Length: 0\r\n\r\n", "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\n: secret\r\nContent-Length: 0\r\n\r\n", "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n", "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "MalformedResponse"),
        (http(b"", b"Content-Length: 0"), "MalformedResponse"),
        (http(b"", b"Transfer-Encoding: chunked"), "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "MalformedResponse"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, "LineTooLong"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: secret\r\n" * 200 + b"\r\n", "HTTPException"),
        (CHUNKED + b"zz\r\n", "IncompleteRead"),
        (CHUNKED + b"5\r\nab", "IncompleteRead"),
        (CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n", "ValueError"),
        (http(b"x" * (MAX_BODY + 1)), "ResponseTooLarge"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + 1), "ResponseTooLarge"),
    ],
)
def test_broken_response_is_refused(
    response: bytes, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with peer(send(response, close=True)) as running, pytest.raises(ProviderError) as caught:
        exchange(running.origin)
    assert caught.value.cause == cause
    assert "secret" not in caplog.text
    assert caught.value.__suppress_context__


def test_status_of_an_incomplete_response_is_known() -> None:
    response = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nx"
    with peer(send(response, close=True)) as running, pytest.raises(ProviderError) as caught:
        exchange(running.origin)
    assert caught.value.provider_status == 403


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        (CHUNKED, b"1\r\nx\r\n" * 10_000),
        (CHUNKED + b"5" * 10, b"5" * 65536),
        (CHUNKED + b"0\r\n", b"Trailer: x\r\n" * 5000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"X: " + b"a" * 65000 + b"\r\n"),
    ],
    ids=["body", "chunks", "chunk size", "trailers", "interim", "headers"],
)
def test_endless_response_is_refused(head: bytes, part: bytes) -> None:
    def respond(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(part)

    with peer(respond) as running, pytest.raises(ProviderError):
        exchange(running.origin)


@pytest.mark.parametrize(
    ("response", "data"),
    [
        (CHUNKED + b"2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: x\r\n\r\n", b"abc"),
        (http(b"x" * MAX_BODY), b"x" * MAX_BODY),
        (http(b"\x1f\x8bbomb", b"Content-Encoding: gzip"), b"\x1f\x8bbomb"),
    ],
    ids=["trailer", "largest", "compressed"],
)
def test_body_comes_as_it_is(response: bytes, data: bytes) -> None:
    """Chunks are joined, 64 kB are read, and nothing is decompressed."""
    with peer(send(response)) as running:
        assert exchange(running.origin).data == data


def test_redirect_is_returned() -> None:
    with peer(send(http(b"stolen"))) as thief:
        location = b"Location: " + thief.origin.encode()
        with peer(send(http(b"", location, status=b"307 Temporary Redirect"))) as running:
            assert exchange(running.origin).status == 307
        assert thief.connections == 0


def one_by_one(data: bytes) -> list[bytes]:
    """Return the bytes of *data*."""
    return [bytes([byte]) for byte in data]


@pytest.mark.parametrize(
    "parts",
    [
        [b""] * 50,
        one_by_one(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100),
        one_by_one(b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 100],
        [CHUNKED, *[b"1\r\nx\r\n"] * 100],
    ],
    ids=["silence", "headers", "interim", "body", "chunks"],
)
def test_slow_response_meets_the_deadline(parts: list[bytes]) -> None:
    """Sending a byte now and then does not extend the deadline."""
    with peer(send(*parts, pause=0.1)) as running:
        start = time.monotonic()
        with pytest.raises(ProviderTimeout) as caught:
            exchange(running.origin, TIMEOUT)
        assert TIMEOUT - 0.05 <= time.monotonic() - start < TIMEOUT + 0.5
        assert caught.value.cause == "TimeoutError"


@contextmanager
def listener_that(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """Accept one connection and hand it over as it is; return the address."""

    def accept() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            for _ in range(8):
                serve(connection)
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_slow_sending_meets_the_deadline() -> None:
    with listener_that(lambda connection: connection.recv(2_000_000)) as address:
        start = time.monotonic()
        with pytest.raises(ProviderTimeout):
            exchange(f"http://{address}", TIMEOUT, b"x" * 50_000_000)
        assert time.monotonic() - start < TIMEOUT + 0.3


def test_refused_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(ProviderError) as caught:
        exchange(origin)
    assert caught.value.cause == "ConnectionRefusedError"


# The name lookup


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str, pause: float = 0) -> None:
    """Let every host name have these addresses, found after *pause* seconds."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        time.sleep(pause)
        return [info for name in addresses for info in resolve(name, port, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def swallow(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let connections to these addresses hang."""
    real = connections._connect

    def connect(sock: socket.socket, address: Any, timeout: float) -> socket.socket:
        if address[0] not in addresses:
            return real(sock, address, timeout)
        sock.close()
        time.sleep(timeout)
        raise TimeoutError

    monkeypatch.setattr(connections, "_connect", connect)


def test_unknown_host() -> None:
    with pytest.raises(ProviderError) as caught:
        exchange("http://nothing.invalid")
    assert caught.value.cause == "gaierror"


@pytest.mark.parametrize("swallowed", [[], ["127.0.0.2"]], ids=["refuses", "swallows"])
def test_second_address_is_tried(swallowed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(send(http(b"x"))) as running:
        resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        swallow(monkeypatch, *swallowed)
        assert exchange(running.origin.replace("127.0.0.1", "test"), 2 * TIMEOUT).data == b"x"


def test_addresses_share_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    resolve_to(monkeypatch, *addresses)
    swallow(monkeypatch, *addresses)
    start = time.monotonic()
    with pytest.raises(ProviderTimeout):
        exchange("http://test", TIMEOUT)
    assert TIMEOUT * 0.9 < time.monotonic() - start < TIMEOUT + 0.3


def test_slow_lookup_leaves_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(send(http(b"x"))) as running:
        resolve_to(monkeypatch, "127.0.0.1", pause=TIMEOUT)
        with pytest.raises(ProviderTimeout):
            exchange(running.origin, TIMEOUT)
        assert running.connections == 0


# TLS


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1"])
def test_certificate_is_verified(
    host: str, certificate: Callable[[str], ssl.SSLContext], request: pytest.FixtureRequest
) -> None:
    if host == "evil.example":
        request.getfixturevalue("trusted")
    with peer(send(http(b"x")), certificate(host)) as running:
        with pytest.raises(ProviderError) as caught:
            exchange(running.origin)
        assert caught.value.cause == "SSLCertVerificationError"
        assert running.requests == []


@pytest.mark.parametrize("drip", [b"", b"\x16\x03\x03\x40\x00"], ids=["silence", "drip"])
def test_handshake_meets_the_deadline(drip: bytes) -> None:
    with listener_that(lambda connection: connection.sendall(drip)) as address:
        start = time.monotonic()
        with pytest.raises(ProviderTimeout):
            exchange(f"https://{address}", TIMEOUT)
        assert time.monotonic() - start < TIMEOUT + 0.5


# The environment


def test_proxies_and_netrc_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with peer(send(http(b"proxied"))) as proxy, peer(send(http(b"x"))) as running:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        assert exchange(running.origin).data == b"x"
    assert b"Authorization" not in running.requests[0]
