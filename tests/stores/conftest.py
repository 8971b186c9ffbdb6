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
)

from ..servers.mariadb import mariadb_server
from ..servers.postgres import postgres_server
from ..servers.process import Server
from ..servers.redis import (
    VALKEY,
    Replicated,
    redis_cluster,
    redis_sentinel,
    redis_server,
    redis_tls_server,
)

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
def valkey_process() -> Iterator[Server]:
    with redis_server(program=VALKEY) as server:
        yield server


@pytest.fixture(scope="session")
def redis_tls_url() -> Iterator[str]:
    with redis_tls_server() as url:
        yield url


@pytest.fixture(scope="session")
def replicated() -> Iterator[Replicated]:
    with redis_sentinel() as replicated:
        yield replicated


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


def redis_url(
    get: Get, url: str = "redis://127.0.0.1:{port}/0", process: str = "redis_process"
) -> Iterator[Store]:
    server = get(process)
    store = RedisStore.from_url(url.format(port=server.port, directory=server.directory))
    yield store
    store._client.close()


def redis_client(get: Get) -> Iterator[Store]:
    with redis.Redis(port=get("redis_process").port, decode_responses=True) as client:
        yield RedisStore(client)


def redis_tls(get: Get) -> Iterator[Store]:
    yield from redis_url(get, get("redis_tls_url"))


def sentinel(get: Get) -> Iterator[Store]:
    with get("replicated").client() as client:
        yield RedisStore(client)


def cluster(get: Get) -> Iterator[Store]:
    with redis.RedisCluster(host="127.0.0.1", port=get("redis_nodes")[0].port) as client:
        yield RedisStore(client)


def sql_url(url: str, process: str, get: Get) -> Iterator[Store]:
    store = SQLAlchemyStore.from_url(url.format(port=get(process).port))
    yield store
    store._engine.dispose()


def sql_engine(url: str, process: str, get: Get) -> Iterator[Store]:
    """An engine of the user's own."""
    engine = create_engine(url.format(port=get(process).port))
    yield SQLAlchemyStore(engine)
    engine.dispose()


def sql_file(dialect: str, get: Get) -> Iterator[Store]:
    engine = create_engine(f"sqlite:///{get('tmp_path')}/alchemy.sqlite3")
    engine.dialect.name = dialect
    yield SQLAlchemyStore(engine)
    engine.dispose()


POSTGRES = "://postgres@127.0.0.1:{port}/postgres"
MARIADB = "mysql+pymysql://root@127.0.0.1:{port}/test"
LOCAL: dict[str, Maker] = {
    "memory": memory,
    "sqlite": sqlite_file,
    "sqlite without returning": sqlite_without_returning,
    "sqlalchemy on sqlite": partial(sql_file, "sqlite"),
    "sqlalchemy without upsert": partial(sql_file, "another"),
}
ON_SERVERS: dict[str, Maker] = {
    "redis": redis_url,
    "redis decoding": redis_client,
    "redis unix": partial(redis_url, url="unix://{directory}/redis.sock"),
    "redis tls and acl": redis_tls,
    "redis sentinel": sentinel,
    "redis cluster": cluster,
    **({"valkey": partial(redis_url, process="valkey_process")} if VALKEY else {}),
    "psycopg": partial(sql_url, "postgresql+psycopg" + POSTGRES, "postgres_process"),
    "pg8000": partial(sql_url, "postgresql+pg8000" + POSTGRES, "postgres_process"),
    "pymysql": partial(sql_url, MARIADB, "mariadb_process"),
    "pymysql engine": partial(sql_engine, MARIADB, "mariadb_process"),
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
