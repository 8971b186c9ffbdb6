"""HTTP to the provider, over real sockets: whatever the peer does, it ends in time."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from flask_altdentifier.connection import Connection
from flask_altdentifier.errors import AltDentifierError, ProviderError, ProviderTimeout
from flask_altdentifier.transport import MAX_BODY, HTTPTransport, Response

Talk = Callable[[socket.socket], None]
TIMEOUT = 0.5


class Peer:
    """A server on loopback that says to each connection what the test wants."""

    def __init__(self, talk: Talk, context: ssl.SSLContext | None = None) -> None:
        self.talk = talk
        self.context = context
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.open.append(connection)
            self.talk(connection)
        except OSError:
            pass  # the client is gone

    def close(self) -> None:
        self.listener.close()
        for connection in self.open:
            connection.close()


@contextmanager
def peer(talk: Talk, context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Run a peer."""
    running = Peer(talk, context)
    try:
        yield running
    finally:
        running.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request with its body of five bytes; empty where the client is gone."""
    data = b""
    while not data.endswith(b"hello"):
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    return data


def answering(*parts: bytes, pause: float = 0, hang: bool = False) -> Talk:
    """Return a talk that answers each request with *parts*, with a pause before each."""

    def talk(connection: socket.socket) -> None:
        while read_request(connection):
            for part in parts:
                time.sleep(pause)
                connection.sendall(part)
            if not hang:
                return connection.close()
        return None

    return talk


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a response with its length."""
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def send(port: int, timeout: float = 10, scheme: str = "http") -> Response:
    """Send one request."""
    sender = HTTPTransport(f"{scheme}://127.0.0.1:{port}", timeout)
    return sender.request("POST", "/oauth2/token", headers={"A": "b"}, body=b"hello")


def test_response_comes_whole() -> None:
    """Status, headers and body are the peer's; the request is what was given."""
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(http(b'{"a": 1}', b"X-Test: yes", status=b"404 Not Found"))

    with peer(talk) as running:
        response = send(running.port)
    assert (response.status, response.headers["x-test"]) == (404, "yes")
    assert (response.data, response.json()) == (b'{"a": 1}', {"a": 1})
    assert seen[0].startswith(b"POST /oauth2/token HTTP/1.1\r\n")
    assert b"\r\nA: b\r\n" in seen[0]
    assert b"\r\nAccept-Encoding: identity\r\n" in seen[0]


def test_repr_hides_the_response() -> None:
    """A response in a traceback tells no token."""
    with peer(answering(http(b"secret", b"X: secret"))) as running:
        assert "secret" not in repr(send(running.port))


def test_connection_is_kept() -> None:
    """Twenty requests go over one connection."""
    with peer(answering(http(b"x"), hang=True)) as running:
        sender = HTTPTransport(f"http://127.0.0.1:{running.port}", TIMEOUT)
        for _ in range(20):
            sender.request("POST", "/", headers={}, body=b"hello")
        assert running.connections == 1


def test_closed_connection_is_opened_again() -> None:
    """A connection that the peer closed meanwhile is not used."""
    closed = threading.Event()

    def talk(connection: socket.socket) -> None:
        answering(http(b"x"))(connection)
        closed.set()

    with peer(talk) as running:
        sender = HTTPTransport(f"http://127.0.0.1:{running.port}", TIMEOUT)
        for _ in range(2):
            closed.clear()
            sender.request("POST", "/", headers={}, body=b"hello")
            assert closed.wait(10)
        assert running.connections == 2


def test_largest_body() -> None:
    """64 kB are read, and the connection is kept."""
    with peer(answering(http(b"x" * MAX_BODY), hang=True)) as running:
        assert len(send(running.port).data) == MAX_BODY


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nbad header line secret\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: nameless secret\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: secret\r\n" * 200 + b"\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"5\r\nab",
        CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n",
        http(b"x" * (MAX_BODY + 1)),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + 1),
    ],
)
def test_broken_answer_is_a_provider_error(answer: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What is no whole response of at most 64 kB is an error, and nothing of it is logged."""
    caplog.set_level(logging.DEBUG)
    with peer(answering(answer)) as running, pytest.raises(ProviderError) as caught:
        send(running.port)
    assert "secret" not in caplog.text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_endless_answers_end_soon() -> None:
    """A body, chunks, headers or interim responses without end are not read on."""
    endless = [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        (CHUNKED, b"1\r\nx\r\n" * 10_000),
        (CHUNKED + b"5" * 10, b"5" * 65536),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"X: " + b"a" * 65000 + b"\r\n"),
    ]
    for head, part in endless:

        def talk(connection: socket.socket, head: bytes = head, part: bytes = part) -> None:
            read_request(connection)
            connection.sendall(head)
            while True:
                connection.sendall(part)

        with peer(talk) as running, pytest.raises(ProviderError):
            send(running.port, timeout=5)


def test_compressed_body_is_not_unpacked() -> None:
    """A gzip bomb stays as small as it came."""
    with peer(answering(http(b"\x1f\x8bbomb", b"Content-Encoding: gzip"))) as running:
        assert send(running.port).data == b"\x1f\x8bbomb"


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
def test_redirect_is_not_followed(status: bytes) -> None:
    """Code and secret go to no other place."""
    with (
        peer(answering(http(b"stolen"))) as thief,
        peer(
            answering(http(b"", b"Location: http://127.0.0.1:%d/" % thief.port, status=status))
        ) as running,
    ):
        assert send(running.port).status == int(status[:3])
        assert thief.connections == 0


def slow(*parts: bytes, pause: float = 0.1) -> Talk:
    """Return a talk that sends byte after byte, each well within a timeout per read."""
    return answering(*(bytes([byte]) for part in parts for byte in part), pause=pause, hang=True)


@pytest.mark.parametrize(
    "talk",
    [
        answering(hang=True),
        slow(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100),
        slow(b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 100, pause=0.1),
        answering(CHUNKED, *[b"1\r\nx\r\n"] * 100, pause=0.1),
    ],
    ids=["silence", "headers", "interim", "body", "chunks"],
)
def test_deadline_holds_for_the_whole(talk: Talk) -> None:
    """A peer that is silent or drips is left when the time is over."""
    with peer(talk) as running:
        start = time.monotonic()
        with pytest.raises(ProviderTimeout):
            send(running.port, TIMEOUT)
        assert TIMEOUT - 0.05 <= time.monotonic() - start < TIMEOUT + 0.5


def test_refused_connection() -> None:
    """Nobody listens: an error, at once."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ProviderError):
        send(port)


def test_unknown_host() -> None:
    """A name without an address is an error."""
    sender = HTTPTransport("http://nothing.invalid", TIMEOUT)
    with pytest.raises(ProviderError):
        sender.request("GET", "/", headers={}, body=None)


def addresses(*numbers: str) -> Callable[..., list[tuple[object, ...]]]:
    """Return a resolver that gives these addresses for our one name."""
    resolve = socket.getaddrinfo

    def getaddrinfo(
        host: str, port: int, *args: object, **kwargs: object
    ) -> list[tuple[object, ...]]:
        names = numbers if host == "altdentifier.test" else (host,)
        return [info for name in names for info in resolve(name, port, type=socket.SOCK_STREAM)]

    return getaddrinfo


def test_second_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with two addresses is reached by the one that answers."""
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.2", "127.0.0.1"))
    with peer(answering(http(b"x"))) as running:
        sender = HTTPTransport(f"http://altdentifier.test:{running.port}", TIMEOUT)
        assert sender.request("POST", "/", headers={}, body=b"hello").data == b"x"


def swallow(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> None:
    """Let each connection to one of *numbers* hang."""
    real = Connection._connect

    def connect(
        self: Any, sock: socket.socket, address: tuple[str, int], timeout: float
    ) -> socket.socket:
        if address[0] in numbers:
            sock.close()
            time.sleep(timeout)
            raise TimeoutError
        return real(self, sock, address, timeout)

    monkeypatch.setattr(Connection, "_connect", connect)


def test_address_that_swallows_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first address is a hole, half of the time is left for the second."""
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.2", "127.0.0.1"))
    swallow(monkeypatch, "127.0.0.2")
    with peer(answering(http(b"x"))) as running:
        sender = HTTPTransport(f"http://altdentifier.test:{running.port}", 2 * TIMEOUT)
        assert sender.request("POST", "/", headers={}, body=b"hello").data == b"x"


def test_addresses_share_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses that swallow packets do not take more time than one."""
    numbers = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    monkeypatch.setattr(socket, "getaddrinfo", addresses(*numbers))
    swallow(monkeypatch, *numbers)
    start = time.monotonic()
    with pytest.raises(ProviderTimeout):
        HTTPTransport("http://altdentifier.test", TIMEOUT).request(
            "GET", "/", headers={}, body=None
        )
    assert TIMEOUT * 0.9 < time.monotonic() - start < TIMEOUT + 0.3


def test_slow_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up that takes all of the time leaves none to connect."""
    look_up = addresses("127.0.0.1")

    def slow(*args: Any, **kwargs: Any) -> list[tuple[object, ...]]:
        time.sleep(TIMEOUT)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with peer(answering(http(b"x"))) as running:
        with pytest.raises(ProviderTimeout):
            HTTPTransport(f"http://altdentifier.test:{running.port}", TIMEOUT).request(
                "GET", "/", headers={}, body=None
            )
        assert running.connections == 0


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process trust `authority`, as an operator would."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return a server's context with a certificate for *name*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.usefixtures("trusted")
def test_tls_on_one_connection(authority: trustme.CA) -> None:
    """Twenty requests over TLS take one handshake."""
    with peer(answering(http(b"x"), hang=True), server_context(authority, "127.0.0.1")) as running:
        sender = HTTPTransport(f"https://127.0.0.1:{running.port}", 5)
        for _ in range(20):
            assert sender.request("POST", "/", headers={}, body=b"hello").data == b"x"
        assert running.connections == 1


@pytest.mark.usefixtures("trusted")
def test_certificate_of_another_host_is_refused(authority: trustme.CA) -> None:
    """The name in the certificate is checked."""
    with (
        peer(answering(http(b"x")), server_context(authority, "evil.example")) as running,
        pytest.raises(ProviderError),
    ):
        send(running.port, timeout=5, scheme="https")


def test_unknown_authority_is_refused(authority: trustme.CA) -> None:
    """A certificate of an authority that is not trusted is refused."""
    with (
        peer(answering(http(b"x")), server_context(authority, "127.0.0.1")) as running,
        pytest.raises(ProviderError),
    ):
        send(running.port, timeout=5, scheme="https")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("drip", [b"", b"\x16\x03\x03\x40\x00"], ids=["silence", "drip"])
def test_handshake_has_the_same_deadline(drip: bytes) -> None:
    """A peer that never finishes the TLS handshake is left in time."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(drip)
        while drip:
            time.sleep(0.1)
            connection.sendall(b"\x00")
        time.sleep(5)

    with peer(talk) as running:
        start = time.monotonic()
        with pytest.raises(AltDentifierError):
            send(running.port, TIMEOUT, scheme="https")
        assert time.monotonic() - start < TIMEOUT + 0.5


# The environment


def test_proxy_variables_and_netrc_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The secret goes straight to the provider, and nobody's netrc goes with it."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password netrc-secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(http(b"x"))

    with peer(answering(http(b"proxied"))) as proxy, peer(talk) as running:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert send(running.port).data == b"x"
        assert proxy.connections == 0
    assert b"Authorization" not in seen[0]
