"""`from_setting`: what it accepts, and what it says about everything else."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest
import redis
from cachelib import SimpleCache
from sqlalchemy import create_engine

from flask_altdentifier import stores
from flask_altdentifier.stores import (
    MemoryStore,
    RedisStore,
    SQLAlchemyStore,
    SQLiteStore,
    from_setting,
)

ENGINE = create_engine("sqlite:///engine.sqlite3")
CLIENT = redis.Redis()
ALCHEMY = "postgresql+psycopg://me:secret@localhost/shop"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("memory://", MemoryStore),
        ("sqlite:///logins.sqlite3", SQLiteStore),
        ("redis://me:secret@localhost:6380/3?socket_timeout=2", RedisStore),
        ("rediss://localhost", RedisStore),
        ("unix:///run/redis.sock?db=1", RedisStore),
        (CLIENT, RedisStore),
        (ALCHEMY, SQLAlchemyStore),
        ("mysql+pymysql://localhost/shop", SQLAlchemyStore),
        ("sqlite+pysqlite:///logins.sqlite3", SQLAlchemyStore),
        (ENGINE, SQLAlchemyStore),
    ],
)
def test_setting_chooses_the_store(value: Any, kind: type) -> None:
    assert type(from_setting(value)) is kind


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///logins.sqlite3", "{here}/logins.sqlite3"),
        ("sqlite:///a/b%20c%3F.db", "{here}/a/b c?.db"),
        ("sqlite:////var/lib/logins.db", "/var/lib/logins.db"),
    ],
)
def test_sqlite_paths(url: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = from_setting(url)
    assert isinstance(store, SQLiteStore)
    assert store._connections._path == path.format(here=tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_options_in_a_url_win() -> None:
    store = from_setting("redis://localhost?socket_timeout=2")
    assert isinstance(store, RedisStore)
    options = store._client.connection_pool.connection_kwargs
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (2.0, 0.5)


@pytest.mark.parametrize(
    ("query", "checks"),
    [("", True), ("?ssl_cert_reqs=none", None), ("?ssl_check_hostname=0", False)],
)
def test_host_name_in_the_certificate_is_checked(query: str, checks: bool | None) -> None:
    store = from_setting(f"rediss://localhost{query}")
    assert isinstance(store, RedisStore)
    assert store._client.connection_pool.connection_kwargs.get("ssl_check_hostname") is checks


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "sqlite:///path"),
        ("/var/lib/logins.db", "sqlite:///path"),
        ("memory://x", "memory:// alone"),
        ("sqlite://", "sqlite:///relative"),
        ("sqlite:///", "sqlite:///relative"),
        ("sqlite:///:memory:", "memory://"),
        ("sqlite://var/lib/logins.db", "sqlite:////absolute"),
        ("sqlite:///logins.db?mode=ro", "sqlite:///relative"),
        ("redis://:secret@localhost:port", "redis://user:password@host"),
        ("redis://:sec/ret@localhost:6379", "redis://user:password@host"),
        ("redis://localhost?sokcet_timeout=secret", "redis://user:password@host"),
        ("http://me:secret@localhost", "unknown scheme 'http'"),
        ("postgresql://me:secret@localhost:port/x", "percent-encoded"),
        ("postgresql+nodriver://me:secret@localhost/x", "unknown scheme 'postgresql+nodriver'"),
        ("mysql+mysqldb://me:secret@localhost/x", "'MySQLdb'"),
        (None, "NoneType, which lacks get, set, pop, delete, clear"),
        (5, "int, which lacks"),
        (Path("logins.db"), "sqlite:///path"),
        (SimpleCache(), "SimpleCache, which lacks pop"),
        (deque(), "deque, which lacks get, set, delete"),
        (redis.asyncio.Redis(), "lacks pop, clear"),
        (MemoryStore, "class MemoryStore"),
    ],
)
def test_other_settings_are_explained(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-z]") as caught:
        from_setting(value)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "package", "module"),
    [("redis://:secret@host", "redis", "redis"), (ALCHEMY, "sqlalchemy", "sqlalchemy.exc")],
)
def test_missing_extra_is_named(
    url: str, package: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match="pip install") as caught:
        from_setting(url)
    assert f"'flask-altdentifier[{package}]'" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(stores, "MemcachedStore")
