"""Stores on a server that hangs, dies, restarts, or closes idle connections."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

import pytest

from flask_altdentifier.stores import Store

from ..servers.process import Server
from .conftest import MAKERS

pytestmark = [
    pytest.mark.server,
    # pg8000 does not close the socket of a connection that it lost.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PROCESSES = {
    "redis": "redis_process",
    "pg8000": "postgres_process",
    "psycopg": "postgres_process",
    "pymysql": "mariadb_process",
}


@pytest.fixture(autouse=True)
def _collect_garbage() -> Iterator[None]:
    """Keep the warnings about garbage of these tests from those that follow."""
    yield
    gc.collect()


@pytest.fixture(params=PROCESSES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    yield from MAKERS[request.param](request.getfixturevalue)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    process: Server = request.getfixturevalue(PROCESSES[request.node.callspec.params["store"]])
    return process


def assert_raises_soon(store: Store) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.get("key"),
        lambda: store.set("key", "value", 60),
        lambda: store.pop("key"),
    ]
    for call in calls:
        started = time.monotonic()
        with pytest.raises(Exception):  # noqa: B017, PT011 -- of the driver's own class
            call()
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("store", ["redis", "pg8000", "pymysql"], indirect=True)
def test_server_that_hangs_is_an_error(store: Store, server: Server) -> None:
    store.set("key", "before", 60)
    server.stop()
    try:
        assert_raises_soon(store)
    finally:
        server.resume()
    store.set("key", "after", 60)
    assert store.pop("key") == "after"


def test_killed_server_is_an_error(store: Store, server: Server) -> None:
    store.set("key", "before", 60)
    server.kill()
    try:
        assert_raises_soon(store)
    finally:
        server.start()
    store.set("key", "after", 60)
    assert store.pop("key") == "after"


@pytest.mark.parametrize("method", ["get", "pop", "delete"])
def test_connection_that_was_closed_while_idle_is_replaced(
    store: Store, server: Server, method: str
) -> None:
    store.set("key", "before", 60)
    server.kill()
    server.start()
    getattr(store, method)("another key")
