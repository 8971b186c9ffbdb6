"""Which connections are used again: one person's response must never be read for another."""

from __future__ import annotations

import os
import pickle
import socket
import ssl
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from flask_altdentifier.errors import ProviderError, ProviderFailure, ProviderTimeout
from flask_altdentifier.http import connection as connections
from flask_altdentifier.http import pool as pools
from flask_altdentifier.http.raw_response import RawResponse
from flask_altdentifier.http.response import ApiResponse
from flask_altdentifier.http.transport import HTTPTransport

from .peer import Peer, hang_up, http, peer, send, send_in_turn

MINE, YOURS = http(b"mine"), http(b"yours")


class Refused(Exception):
    """A response was not valid."""


class Client(HTTPTransport):
    """A transport whose exchanges are one line."""

    def exchange(self, path: str = "/", *, method: str = "POST", accept: bool = True) -> bytes:
        try:
            with self.request(method, path, headers={}, body=b"x") as response:
                if not accept:
                    raise Refused
        except Refused:
            pass
        return response.data

    def close(self) -> None:
        assert self._current_pool is not None
        self._current_pool.close()


def client_of(running: Peer) -> Client:
    return Client(running.origin, 5)


@pytest.mark.parametrize(
    "response",
    [
        MINE,
        b"HTTP/1.1 100 Continue\r\n\r\n" + MINE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\nT: x\r\n\r\n",
    ],
    ids=["length", "100", "chunked"],
)
def test_connection_is_kept(response: bytes) -> None:
    """Many exchanges go over one connection, also if `100 Continue` comes first."""
    with peer(send(response)) as running:
        client = client_of(running)
        assert {client.exchange() for _ in range(5)} == {b"mine"}
        client.close()
        assert running.connections == 1


@pytest.mark.usefixtures("trusted")
def test_tls_connection_is_kept(certificate: Callable[[str], ssl.SSLContext]) -> None:
    with peer(send(MINE), certificate("127.0.0.1")) as running:
        client = client_of(running)
        assert {client.exchange() for _ in range(5)} == {b"mine"}
        client.close()
        assert running.connections == 1


@pytest.mark.parametrize(
    ("response", "method", "data"),
    [
        (b"HTTP/1.1 102 Processing\r\n\r\n" + MINE, "POST", b"mine"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + MINE, "POST", b"mine"),
        (MINE + MINE, "POST", b"mine"),
        (MINE + b"\n", "POST", b"mine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmine", "POST", b"mi"),
        (http(b"mine", status=b"204 No Content"), "POST", b""),
        (http(b"mine", status=b"205 Reset Content"), "POST", b""),
        (http(b"mine", status=b"304 Not Modified"), "POST", b""),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" + MINE, "POST", b""),
        (MINE.removesuffix(b"mine"), "HEAD", b""),
        (http(b"mine", b"Connection: close"), "POST", b"mine"),
    ],
    ids=["102", "103", "two", "byte", "short", "204", "205", "304", "chunked 204", "HEAD", "close"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.usefixtures("trusted")
def test_connection_with_unexpected_bytes_is_not_kept(
    response: bytes,
    method: str,
    data: bytes,
    tls: bool,
    certificate: Callable[[str], ssl.SSLContext],
) -> None:
    respond = send_in_turn(response, YOURS)
    with peer(respond, certificate("127.0.0.1") if tls else None) as running:
        client = client_of(running)
        assert client.exchange(method=method) == data
        assert client.exchange() == b"yours"
        client.close()
        assert running.connections == 2


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.usefixtures("trusted")
def test_connection_with_late_bytes_is_not_used(
    tls: bool, certificate: Callable[[str], ssl.SSLContext]
) -> None:
    """A second response that comes before the next request is discarded with its connection."""
    responses = iter([[MINE, MINE], [YOURS]])

    def respond(connection: socket.socket) -> None:
        for part in next(responses):
            connection.sendall(part)
            time.sleep(0.1)

    with peer(respond, certificate("127.0.0.1") if tls else None) as running:
        client = client_of(running)
        assert client.exchange() == b"mine"
        time.sleep(0.2)
        assert client.exchange() == b"yours"
        client.close()
        assert running.connections == 2


def test_connection_of_a_refused_response_is_closed() -> None:
    """The rest of a refused response may still be on its way."""
    with peer(send_in_turn(http(b"{"), YOURS)) as running:
        client = client_of(running)
        client.exchange(accept=False)
        assert client.exchange() == b"yours"
        client.close()
        assert running.connections == 2


@pytest.mark.parametrize("abort", [KeyboardInterrupt, SystemExit])
def test_connection_of_an_aborted_exchange_is_closed(
    abort: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: RawResponse) -> bytes:
        raise abort

    with peer(send_in_turn(MINE, YOURS)) as running:
        client = client_of(running)
        with monkeypatch.context() as patch:
            patch.setattr(RawResponse, "read_body", interrupt)
            with pytest.raises(abort):
                client.exchange()
        assert client.exchange() == b"yours"
        client.close()
        assert running.connections == 2


def test_idle_connection_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was idle for `MAX_IDLE` seconds may be dead without a sign."""
    with peer(send(MINE)) as running:
        client = client_of(running)
        client.exchange()
        monkeypatch.setattr(connections, "MAX_IDLE", 0)
        client.exchange()
        client.close()
        assert running.connections == 2


@pytest.mark.parametrize("reset", [False, True])
def test_connection_that_the_peer_closed_is_not_used(reset: bool) -> None:
    def respond(connection: socket.socket) -> None:
        connection.sendall(MINE)
        if reset:  # SO_LINGER of 0 seconds
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        else:
            hang_up(connection)

    with peer(respond) as running:
        client = client_of(running)
        for _ in range(2):
            assert client.exchange() == b"mine"
            time.sleep(0.1)
        client.close()
        assert running.connections == 2


def test_only_some_idle_connections_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "POOL_SIZE", 1)
    with peer(send(MINE)) as running:
        client = client_of(running)
        with client.request("GET", "/", headers={}, body=None):
            client.exchange()
        client.exchange()
        client.close()
        assert running.connections == 2


# Forks


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_child_opens_its_own_connection() -> None:
    with peer(send(MINE)) as running:
        client = client_of(running)
        client.exchange()
        child = os.fork()
        if child == 0:
            os._exit(0 if client.exchange() == b"mine" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert running.connections == 2
        client.exchange()
        client.close()
        assert running.connections == 2


def test_process_has_a_pool_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer(send(MINE)) as running:
        client = client_of(running)
        client.exchange()
        monkeypatch.setattr(os, "getpid", lambda: -1)
        client.exchange()
        client.close()
        assert running.connections == 2


# The response


def test_response_can_be_pickled() -> None:
    """After the `with` statement a response is a plain value, which an app may cache."""
    with peer(send(MINE)) as running:
        client = client_of(running)
        with client.request("GET", "/", headers={}, body=None) as response:
            pass
        client.close()
    assert pickle.loads(pickle.dumps(response)) == response


def test_response_of_another_transport() -> None:
    with ApiResponse(200, Headers(), b"1") as response:
        assert response.json() == 1


# Failures of the network


def fail_once(
    monkeypatch: pytest.MonkeyPatch, method: str, error: type[OSError], *, done: bool
) -> None:
    """Let the next call of a socket's *method* in this thread fail, *done* or not."""
    thread, real, calls = threading.get_ident(), getattr(socket.socket, method), count()

    def fail(self: socket.socket, *args: Any) -> Any:
        if threading.get_ident() != thread or next(calls) > 0:
            return real(self, *args)
        if done:
            real(self, *args)
        raise error

    monkeypatch.setattr(socket.socket, method, fail)


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize(
    ("error", "expected"), [(OSError, ProviderError), (TimeoutError, ProviderTimeout)]
)
@pytest.mark.parametrize("method", ["send", "recv_into"])
def test_failed_operation_closes_the_connection(
    method: str,
    error: type[OSError],
    expected: type[ProviderFailure],
    done: bool,
    warm: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with peer(lambda to: to.sendall(http(running.requests[-1].split()[1]))) as running:
        client = client_of(running)
        if warm:
            assert client.exchange("/0") == b"/0"
        with monkeypatch.context() as patch:
            fail_once(patch, method, error, done=done)
            with pytest.raises(expected) as caught:
                client.exchange("/1")
        assert caught.value.cause == error.__name__
        assert client.exchange("/2") == b"/2"
        assert client.exchange("/3") == b"/3"
        client.close()
        assert running.connections == 2
    paths = [request.split()[1] for request in running.requests]
    assert len(paths) == len(set(paths))
