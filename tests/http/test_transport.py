"""One exchange over real sockets: what is sent, what is refused, and when it ends."""

from __future__ import annotations

import logging
import pickle
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
from urllib3 import Timeout
from urllib3.util.connection import create_connection

from flask_altdentifier.errors import ProviderError, ProviderTimeout
from flask_altdentifier.http import connection as connections
from flask_altdentifier.http import deadline_socket
from flask_altdentifier.http.transport import MAX_BODY, user_agent

from .conftest import Connect, Serve
from .peer import http, send

TIMEOUT = 0.4
#: Causes that show when the headers have been read, so that the status is known.
AFTER_HEADERS = {"IncompleteRead", "ResponseTooLarge", "ValueError"}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_request_and_response_are_whole(serve: Serve) -> None:
    response = http(b'{"a": 1}', b"X-Test: secret", b"X-Test: 2", status=b"404 Not Found")
    running, client = serve(send(response))
    got = client.exchange("/path?a=%20b")
    assert (got.status, got.headers.getlist("x-test")) == (404, ["secret", "2"])
    assert (got.data, got.json()) == (b'{"a": 1}', {"a": 1})
    assert repr(got) == "ApiResponse(status=404)"
    assert pickle.loads(pickle.dumps(got)) == got  # a plain value, which an app may cache
    head = running.requests[0].decode().split("\r\n")
    assert head[0] == "POST /path?a=%20b HTTP/1.1"
    assert {"A: b", "Accept-Encoding: identity", f"User-Agent: {user_agent()}"} < set(head)
    assert running.requests[0].endswith(b"\r\n\r\nhello")


def test_user_agent_names_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_agent() == f"flask-altdentifier/{metadata.version('flask-altdentifier')}"

    def not_found(name: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", not_found)
    assert user_agent.__wrapped__() == "flask-altdentifier"


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (b"", "RemoteDisconnected"),
        (b"garbage\r\n\r\n", "BadStatusLine"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "BadStatusLine"),
        (b"HTTP/2 200\r\n\r\n", "UnknownProtocol"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "MalformedResponse"),
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
    response: bytes, cause: str, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, client = serve(send(response, close=True))
    with pytest.raises(ProviderError) as caught:
        client.exchange()
    assert caught.value.cause == cause
    status = int(response[9:12]) if cause in AFTER_HEADERS else None
    assert caught.value.provider_status == status
    assert "secret" not in caplog.text
    assert caught.value.__context__ is None


@pytest.mark.parametrize("body", [b"Content-Length: 10\r\n\r\nshort", b"\r\n" + b"x" * 70_000])
def test_status_of_an_error_counts_without_its_body(body: bytes, serve: Serve) -> None:
    head = b"HTTP/1.1 400 Bad Request\r\nRetry-After: 7\r\n"
    running, client = serve(send(head + body, close=True))
    for _ in range(2):
        response = client.exchange()
        assert (response.status, response.headers["Retry-After"], response.data) == (400, "7", b"")
    assert running.connections == 2


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        (CHUNKED, b"1\r\nx\r\n" * 10_000),
        (CHUNKED + b"5" * 10, b"5" * 65536),
        (CHUNKED + b"0\r\n", b"Trailer: x\r\n" * 5000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"X: " + b"a" * 65000 + b"\r\n"),
    ],
    ids=["body", "chunks", "chunk size", "trailers", "100", "103", "headers"],
)
def test_endless_response_is_refused(head: bytes, part: bytes, serve: Serve) -> None:
    def respond(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(part)

    _, client = serve(respond)
    with pytest.raises(ProviderError):
        client.exchange()


@pytest.mark.parametrize(
    ("response", "data"),
    [
        (CHUNKED + b"2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: x\r\n\r\n", b"abc"),
        (http(b"x" * MAX_BODY), b"x" * MAX_BODY),
        (http(b"\x1f\x8bbomb", b"Content-Encoding: gzip"), b"\x1f\x8bbomb"),
    ],
    ids=["trailer", "largest", "compressed"],
)
def test_body_comes_as_it_is(response: bytes, data: bytes, serve: Serve) -> None:
    """Chunks are joined, 64 kB are read, and nothing is decompressed."""
    _, client = serve(send(response))
    assert client.exchange().data == data


def test_response_may_have_as_many_bytes_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline_socket, "MAX_RESPONSE", 3)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = deadline_socket.DeadlineSocket(ours, 5).makefile("rb")
        theirs.sendall(b"abc")
        assert reader.read(3) == b"abc"
        theirs.sendall(b"d")
        with pytest.raises(deadline_socket.ResponseTooLarge):
            reader.read(1)


def test_redirect_is_returned(serve: Serve) -> None:
    thief, _ = serve(send(http(b"stolen")))
    location = b"Location: " + thief.origin.encode()
    _, client = serve(send(http(b"", location, status=b"307 Temporary Redirect")))
    assert client.exchange().status == 307
    assert thief.connections == 0


# The deadline


def check_deadline(exchange: Callable[[], object]) -> None:
    """Check that the deadline ends *exchange*."""
    for _ in range(3):  # a busy machine may be late once
        start = time.monotonic()
        with pytest.raises(ProviderTimeout) as caught:
            exchange()
        seconds = time.monotonic() - start
        assert seconds > TIMEOUT * 0.9
        assert caught.value.cause == "TimeoutError"
        if seconds < TIMEOUT + 0.5:
            break
    assert seconds < TIMEOUT + 0.5


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
def test_slow_response_meets_the_deadline(parts: list[bytes], serve: Serve) -> None:
    """Sending a byte now and then does not extend the deadline."""
    _, client = serve(send(*parts, pause=0.1), timeout=TIMEOUT)
    check_deadline(client.exchange)


@contextmanager
def listener_that(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """Accept connections and hand them over as they are; return the address."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                handle(listener.accept()[0])

    def handle(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for _ in range(8):
                serve(connection)
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        thread.join()


def test_slow_sending_meets_the_deadline(connect: Connect) -> None:
    with listener_that(lambda connection: connection.recv(2_000_000)) as address:
        client = connect(f"http://{address}", TIMEOUT)
        check_deadline(lambda: client.exchange(body=b"x" * 50_000_000))


@pytest.mark.parametrize("drip", [b"", b"\x16\x03\x03\x40\x00"], ids=["silence", "drip"])
def test_handshake_meets_the_deadline(drip: bytes, connect: Connect) -> None:
    with listener_that(lambda connection: connection.sendall(drip)) as address:
        check_deadline(connect(f"https://{address}", TIMEOUT).exchange)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str, pause: float = 0) -> None:
    """Let the host name "test" have these addresses, found after *pause* seconds."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **options: Any) -> list[Any]:
        if host != "test":
            return resolve(host, *args, **options)
        time.sleep(pause)
        return [info for name in addresses for info in resolve(name, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def swallow(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let connections to these addresses hang."""

    def create(address: tuple[str, int], timeout: float, **options: Any) -> socket.socket:
        if address[0] not in addresses:
            return create_connection(address, timeout, **options)
        time.sleep(timeout)
        raise TimeoutError

    monkeypatch.setattr(connections, "create_connection", create)


@pytest.mark.parametrize("swallowed", [[], ["127.0.0.2"]], ids=["refuses", "swallows"])
def test_second_address_is_tried(
    swallowed: list[str], serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, _ = serve(send(http(b"x")))
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    swallow(monkeypatch, *swallowed)
    origin = running.origin.replace("127.0.0.1", "test")
    assert connect(origin, 2 * TIMEOUT).exchange().data == b"x"


def test_each_address_is_tried_once_and_without_delay(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []

    def refuse(address: Any, timeout: float, *, socket_options: Any) -> None:
        assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in socket_options
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(connections, "create_connection", refuse)
    resolve_to(monkeypatch, "127.0.0.1", "::1")
    with pytest.raises(ProviderError):
        connect("http://test").exchange()
    assert tried == [("127.0.0.1", 80), ("::1", 80)]


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_ipv6_address_without_a_port(
    scheme: str, port: int, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """http.client would read the end of the address as the port."""
    tried: list[Any] = []

    def refuse(address: Any, *_: Any, **options: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(connections, "create_connection", refuse)
    with pytest.raises(ProviderError):
        connect(f"{scheme}://[::1]").exchange()
    assert tried == [("::1", port)]


def test_addresses_share_the_deadline(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    resolve_to(monkeypatch, *addresses)
    swallow(monkeypatch, *addresses)
    check_deadline(connect("http://test", TIMEOUT).exchange)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_slow_connecting_leaves_less_time(
    scheme: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name lookup, handshake, sending and reading share the deadline."""
    resolve_to(monkeypatch, "127.0.0.1", pause=TIMEOUT * 0.7)
    with listener_that(lambda connection: connection.recv(10)) as address:
        client = connect(f"{scheme}://{address}".replace("127.0.0.1", "test"), TIMEOUT)
        check_deadline(lambda: client.exchange(body=b"x" * 50_000_000))


def test_slow_lookup_leaves_no_time(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, _ = serve(send(http(b"x")))
    resolve_to(monkeypatch, "127.0.0.1", pause=TIMEOUT)
    check_deadline(connect(running.origin.replace("127.0.0.1", "test"), TIMEOUT).exchange)
    assert running.connections == 0


def test_no_time_left_for_reading(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Timeout, "read_timeout", 0)
    _, client = serve(send(http(b"x")))
    with pytest.raises(ProviderTimeout):
        client.exchange()


# No connection


@pytest.mark.parametrize(
    ("host", "cause"), [("127.0.0.1", "ConnectionRefusedError"), ("nothing.invalid", "gaierror")]
)
def test_host_that_is_not_there(host: str, cause: str, connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ProviderError) as caught:
        connect(f"http://{host}:{port}").exchange()
    assert caught.value.cause == cause


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1"])
def test_certificate_is_verified(
    host: str,
    certificate: Callable[[str], ssl.SSLContext],
    serve: Serve,
    request: pytest.FixtureRequest,
) -> None:
    if host == "evil.example":
        request.getfixturevalue("trusted")
    running, client = serve(send(http(b"x")), certificate(host))
    with pytest.raises(ProviderError) as caught:
        client.exchange()
    assert caught.value.cause == "SSLCertVerificationError"
    assert running.requests == []


def test_proxies_and_netrc_are_not_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    proxy, _ = serve(send(http(b"proxied")))
    running, client = serve(send(http(b"x")))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.origin)
    assert client.exchange().data == b"x"
    assert b"Authorization" not in running.requests[0]
