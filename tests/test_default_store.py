"""The store of logins if `ALTDENTIFIER_STORE` is not set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from cachelib import FileSystemCache, SimpleCache
from flask import Flask
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy

from flask_altdentifier import blueprint
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.stores import (
    MemoryStore,
    RedisStore,
    SQLAlchemyStore,
    SQLiteStore,
    Store,
)

from .support import FakeAltDentifier, bare_app, log_in, state_of


def registered(tmp_path: Path, **config: Any) -> Flask:
    """Return an app in production with the extension, whose instance folder is *tmp_path*."""
    app = bare_app(**config)
    app.testing = False
    app.instance_path = str(tmp_path / "instance")
    app.register_blueprint(blueprint)
    state_of(app).transport = FakeAltDentifier()
    return app


def store_at_first_use(app: Flask) -> Store:
    with app.app_context():
        store = state_of(app).get_store()
        assert state_of(app).get_store() is store
    return store


def test_default_store_is_sqlite_in_the_instance_folder(tmp_path: Path) -> None:
    app = registered(tmp_path)
    assert not (tmp_path / "instance").exists()
    assert log_in(app.test_client()).location == "/"
    file = tmp_path / "instance" / "altdentifier.sqlite3"
    assert (type(store_at_first_use(app)), file.stat().st_mode & 0o777) == (SQLiteStore, 0o600)


def test_redis_client_that_flask_session_replaces_is_refused(tmp_path: Path) -> None:
    app = registered(tmp_path, SESSION_TYPE="redis", SESSION_REDIS=redis.RedisCluster)
    with pytest.warns(RuntimeWarning):
        Session(app)
    with app.app_context(), pytest.raises(ConfigError, match="SESSION_REDIS"):
        state_of(app).get_store()


def test_default_store_under_test_is_in_memory(tmp_path: Path) -> None:
    app = registered(tmp_path)
    app.testing = True  # decided at first use
    assert isinstance(store_at_first_use(app), MemoryStore)


@pytest.mark.parametrize("first", ["session", "blueprint"])
def test_redis_of_flask_session_is_used(tmp_path: Path, first: str) -> None:
    client = redis.Redis()
    config = {"SESSION_TYPE": "redis", "SESSION_REDIS": client}
    if first == "blueprint":
        app = registered(tmp_path, **config)
        Session(app)
    else:
        app = bare_app(**config)
        app.testing = False
        Session(app)
        app.register_blueprint(blueprint)
    store = store_at_first_use(app)
    assert isinstance(store, RedisStore)
    assert client in vars(store).values()


def test_engine_of_flask_session_is_used(tmp_path: Path) -> None:
    db = SQLAlchemy()
    app = registered(
        tmp_path,
        SQLALCHEMY_DATABASE_URI="sqlite://",
        SESSION_TYPE="sqlalchemy",
        SESSION_SQLALCHEMY=db,
    )
    db.init_app(app)
    with app.app_context():
        Session(app)
        assert isinstance(store_at_first_use(app), SQLAlchemyStore)
        db.engine.dispose()


@pytest.mark.parametrize("cache", [SimpleCache(), FileSystemCache])
def test_sqlite_beside_sessions_in_files(tmp_path: Path, cache: Any) -> None:
    if isinstance(cache, type):
        cache = cache(str(tmp_path / "sessions"))
    app = registered(tmp_path, SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
    Session(app)
    assert isinstance(store_at_first_use(app), SQLiteStore)


@pytest.mark.parametrize("kind", ["redis", "sqlalchemy", "cachelib"])
def test_sqlite_until_flask_session_is_registered(tmp_path: Path, kind: str) -> None:
    assert isinstance(store_at_first_use(registered(tmp_path, SESSION_TYPE=kind)), SQLiteStore)


@pytest.mark.parametrize("kind", ["memcached", "mongodb", "dynamodb", "Memcached"])
def test_sessions_on_another_server_need_a_store(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match="ALTDENTIFIER_STORE is missing"):
        registered(tmp_path, SESSION_TYPE=kind)
    registered(tmp_path, SESSION_TYPE=kind, ALTDENTIFIER_STORE="memory://")
    later = registered(tmp_path)
    later.config["SESSION_TYPE"] = kind
    with pytest.raises(ConfigError, match="ALTDENTIFIER_STORE is missing"):
        store_at_first_use(later)


def test_sessions_in_another_cache_need_a_store(tmp_path: Path) -> None:
    class MemcachedCache(SimpleCache):
        pass

    app = registered(tmp_path, SESSION_TYPE="cachelib", SESSION_CACHELIB=MemcachedCache())
    Session(app)
    with pytest.raises(ConfigError, match="MemcachedCache"):
        store_at_first_use(app)
