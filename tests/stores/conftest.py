"""A store of each kind, and the servers behind them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import create_engine

from flask_altdentifier.stores import (
    MemoryStore,
    RedisStore,
    SQLAlchemyStore,
    SQLiteStore,
    Store,
    from_setting,
)

from ..servers.mariadb import mariadb_server
from ..servers.postgres import postgres_server
from ..servers.process import Server
from ..servers.redis import redis_cluster, redis_server

servers = pytest.mark.server


@pytest.fixture(scope="session")
def redis_process() -> Iterator[Server]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def redis_nodes() -> Iterator[list[Server]]:
    with redis_cluster() as nodes:
        yield nodes


@pytest.fixture(scope="session")
def postgres_process() -> Iterator[Server]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_process() -> Iterator[Server]:
    with mariadb_server() as server:
        yield server


Get = Callable[[str], Any]
Maker = Callable[[Get], Iterator[Store]]


def memory(get: Get) -> Iterator[Store]:
    yield MemoryStore()


def sqlite_file(get: Get) -> Iterator[Store]:
    yield SQLiteStore(get("tmp_path") / "store.sqlite3")


def sqlite_without_returning(get: Get) -> Iterator[Store]:
    get("monkeypatch").setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    yield from sqlite_file(get)


def redis_url(get: Get, url: str = "redis://127.0.0.1:{port}/0") -> Iterator[Store]:
    server = get("redis_process")
    store = RedisStore.from_url(url.format(port=server.port, directory=server.directory))
    yield store
    store._client.close()


def redis_client(get: Get) -> Iterator[Store]:
    with redis.Redis(port=get("redis_process").port, decode_responses=True) as client:
        yield RedisStore(client)


def cluster(get: Get) -> Iterator[Store]:
    with redis.RedisCluster(host="127.0.0.1", port=get("redis_nodes")[0].port) as client:
        yield RedisStore(client)


def sql_url(url: str, process: str, get: Get) -> Iterator[Store]:
    port = get(process).port if process else get("tmp_path")
    store = from_setting(url.format(port=port))
    assert isinstance(store, SQLAlchemyStore)
    yield store
    store._engine.dispose()


def generic_sql(get: Get) -> Iterator[Store]:
    """An engine of the user's own, of a dialect whose upsert is not known."""
    engine = create_engine(f"sqlite:///{get('tmp_path')}/generic.sqlite3")
    engine.dialect.name = "another"
    yield SQLAlchemyStore(engine)
    engine.dispose()


PSYCOPG = partial(
    sql_url, "postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", "postgres_process"
)
PG8000 = partial(
    sql_url, "postgresql+pg8000://postgres@127.0.0.1:{port}/postgres", "postgres_process"
)
PYMYSQL = partial(sql_url, "mysql+pymysql://root@127.0.0.1:{port}/test", "mariadb_process")
LOCAL: dict[str, Maker] = {
    "memory": memory,
    "sqlite": sqlite_file,
    "sqlite without returning": sqlite_without_returning,
    "sqlalchemy on sqlite": partial(sql_url, "sqlite+pysqlite:///{port}/alchemy.sqlite3", ""),
    "sqlalchemy generic": generic_sql,
}
ON_SERVERS: dict[str, Maker] = {
    "redis": redis_url,
    "redis decoding": redis_client,
    "redis unix": partial(redis_url, url="unix://{directory}/redis.sock"),
    "redis cluster": cluster,
    "psycopg": PSYCOPG,
    "pg8000": PG8000,
    "pymysql": PYMYSQL,
}
MAKERS = {**LOCAL, **ON_SERVERS}


@pytest.fixture(params=[*LOCAL, *(pytest.param(name, marks=servers) for name in ON_SERVERS)])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of each kind."""
    for store in MAKERS[request.param](request.getfixturevalue):
        store.clear("")
        yield store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Path of an SQLite file that does not exist."""
    return tmp_path / "store.sqlite3"
