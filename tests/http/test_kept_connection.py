"""Which connections are used again: one person's response must never be read for another."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from flask_altdentifier.errors import ProviderError, ProviderFailure, ProviderTimeout
from flask_altdentifier.http import connection as connections
from flask_altdentifier.http import deadline_socket
from flask_altdentifier.http.response import ApiResponse

from ..servers.process import wait_until
from .conftest import Client, Serve
from .peer import Peer, hang_up, http, send, send_in_turn

MINE, YOURS = http(b"mine"), http(b"yours")
#: Fills the buffer of the reader, so that TLS keeps what follows.
FULL = http(b"x" * (8192 - len(http(b"")) - 3))


def serve_paths(serve: Serve) -> tuple[Peer, Client]:
    """Run a peer that responds to each request with its path."""
    running, client = serve(send())
    running.respond = lambda to: to.sendall(http(running.requests[-1].split()[1]))
    return running, client


class Refused(Exception):
    """A response was not valid."""


def refuse(response: ApiResponse) -> ApiResponse:
    raise Refused


@pytest.mark.parametrize(
    "response",
    [
        MINE,
        b"HTTP/1.1 100 Continue\r\n\r\n" + MINE,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\nT: x\r\n\r\n",
    ],
    ids=["length", "100", "chunked"],
)
def test_connection_is_kept(response: bytes, context: ssl.SSLContext | None, serve: Serve) -> None:
    running, client = serve(send(response), context)
    assert {client.exchange().data for _ in range(5)} == {b"mine"}
    assert running.connections == 1


@pytest.mark.parametrize(
    ("response", "method", "data"),
    [
        (b"HTTP/1.1 102 Processing\r\n\r\n" + MINE, "POST", b"mine"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 2 + MINE, "POST", b"mine"),
        (MINE + MINE, "POST", b"mine"),
        (MINE + b"\n", "POST", b"mine"),
        (FULL + MINE, "POST", FULL.partition(b"\r\n\r\n")[2]),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmine", "POST", b"mi"),
        (http(b"mine", status=b"204 No Content"), "POST", b""),
        (http(b"", status=b"205 Reset Content"), "POST", b""),
        (http(b"mine", status=b"304 Not Modified"), "POST", b""),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" + MINE, "POST", b""),
        (MINE.removesuffix(b"mine"), "HEAD", b""),
        (http(b"mine", b"Connection: close"), "POST", b"mine"),
    ],
)
def test_connection_with_something_unexpected_is_closed(
    response: bytes,
    method: str,
    data: bytes,
    context: ssl.SSLContext | None,
    serve: Serve,
) -> None:
    running, client = serve(send_in_turn(response, YOURS), context)
    assert client.exchange(method=method).data == data
    assert client.exchange().data == b"yours"
    assert running.connections == 2


def test_connection_with_late_bytes_is_not_used(
    context: ssl.SSLContext | None, serve: Serve
) -> None:
    """A second response that comes before the next request is discarded with its connection."""
    running, client = serve(send(MINE, MINE, pause=0.05), context)
    assert client.exchange().data == b"mine"
    time.sleep(0.2)
    running.respond = send(YOURS)
    assert client.exchange().data == b"yours"
    assert running.connections == 2


def test_connection_of_a_refused_response_is_closed(serve: Serve) -> None:
    """The rest of a refused response may still be on its way."""
    running, client = serve(send_in_turn(http(b"{"), YOURS))
    with pytest.raises(Refused):
        client.exchange(read=refuse)
    running.threads[-1].join(5)
    assert not running.threads[-1].is_alive()
    assert client.exchange().data == b"yours"
    assert running.connections == 2


def test_connection_is_nobody_elses_before_the_response_is_accepted(serve: Serve) -> None:
    running, client = serve_paths(serve)

    def read(response: ApiResponse) -> ApiResponse:
        with ThreadPoolExecutor() as pool:
            assert pool.submit(client.exchange, "/2").result().data == b"/2"
        return response

    assert client.exchange("/1", read=read).data == b"/1"
    assert client.exchange("/3").data == b"/3"
    assert running.connections == 2


def test_connection_of_an_aborted_exchange_is_closed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: socket.socket, buffer: Any) -> int:
        wait_until(lambda: bool(running.requests), "the server does not read the request")
        raise KeyboardInterrupt

    running, client = serve(send_in_turn(MINE, YOURS))
    with monkeypatch.context() as patch:
        patch.setattr(deadline_socket.DeadlineSocket, "readinto", interrupt)
        with pytest.raises(KeyboardInterrupt):
            client.exchange()
    assert client.exchange().data == b"yours"
    assert running.connections == 2


def test_idle_connection_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was idle for `MAX_IDLE` seconds may be dead without a sign."""
    running, client = serve(send(MINE))
    monkeypatch.setattr(deadline_socket, "MAX_IDLE", 0)
    client.exchange()
    client.exchange()
    assert running.connections == 2


@pytest.mark.parametrize("reset", [False, True])
def test_connection_that_the_peer_closed_is_not_used(reset: bool, serve: Serve) -> None:
    def respond(connection: socket.socket) -> None:
        connection.sendall(MINE)
        if reset:  # SO_LINGER of 0 seconds
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        else:
            hang_up(connection)

    running, client = serve(respond)
    for _ in range(2):
        assert client.exchange().data == b"mine"
        time.sleep(0.1)
    assert running.connections == 2


def test_only_some_idle_connections_are_kept(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are closed without a warning of urllib3."""
    monkeypatch.setattr(connections, "POOL_SIZE", 1)
    both = threading.Barrier(2)
    running, client = serve(lambda to: (both.wait(5), to.sendall(MINE)))
    for opened in (2, 3):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(client.exchange, ["/", "/"]))
        assert running.connections == opened
    assert [record.message for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_simultaneous_failures_log_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "POOL_SIZE", 1)
    both = threading.Barrier(2)

    def respond(connection: socket.socket) -> None:
        both.wait(5)
        hang_up(connection)

    _, client = serve(respond)
    with ThreadPoolExecutor(2) as pool:
        failed = [pool.submit(client.exchange) for _ in range(2)]
    assert [type(exchange.exception()) for exchange in failed] == [ProviderError] * 2
    assert [record.message for record in caplog.records if record.levelno > logging.DEBUG] == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_child_opens_its_own_connection(serve: Serve) -> None:
    running, client = serve(send(MINE))
    client.exchange()
    child = os.fork()
    if child == 0:
        os._exit(0 if client.exchange().data == b"mine" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert running.connections == 2
    client.exchange()
    assert running.connections == 2


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
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, client = serve_paths(serve)
    if warm:
        assert client.exchange("/0").data == b"/0"
    with monkeypatch.context() as patch:
        fail_once(patch, method, error, done=done)
        with pytest.raises(expected) as caught:
            client.exchange("/1")
    assert caught.value.cause == error.__name__
    assert client.exchange("/2").data == b"/2"
    assert client.exchange("/3").data == b"/3"
    assert running.connections == 2
    paths = [request.split()[1] for request in running.requests]
    assert len(paths) == len(set(paths))


def test_connections_of_simultaneous_exchanges_are_kept(serve: Serve) -> None:
    both = threading.Barrier(2)

    def respond(connection: socket.socket) -> None:
        both.wait(5)
        connection.sendall(MINE)

    running, client = serve(respond)
    with ThreadPoolExecutor(2) as threads:
        for _ in range(2):
            answers = [threads.submit(client.exchange) for _ in range(2)]
            assert [answer.result().data for answer in answers] == [b"mine"] * 2
    assert running.connections == 2


def test_connections_share_one_tls_context() -> None:
    """Each context would parse the CA bundle."""
    pool: Any = connections.create_pool("https://app.example")
    first, second = pool._new_conn(), pool._new_conn()
    assert first.ssl_context is second.ssl_context is not None
    assert pool.pool.maxsize == connections.POOL_SIZE
