"""Stores on a server that hangs, dies, restarts, or closes idle connections."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from operator import methodcaller

import pytest

from flask_altdentifier.records import Records
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


def set_two(store: Store) -> None:
    """Write two records in one round trip if the store can."""
    Records(lambda: store, "app:").set_all(("pending", "a", 1, 60), ("session", "b", 2, 60))


def assert_raises_soon(store: Store) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.get("key"),
        lambda: store.set("key", "value", 60),
        lambda: store.pop("key"),
        lambda: set_two(store),
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


@pytest.mark.parametrize(
    "call",
    [*(methodcaller(name, "another key") for name in ("get", "pop", "delete")), set_two],
    ids=["get", "pop", "delete", "set_all"],
)
def test_connection_that_was_closed_while_idle_is_replaced(
    store: Store, server: Server, call: Callable[[Store], object]
) -> None:
    store.set("key", "before", 60)
    server.kill()
    server.start()
    call(store)
