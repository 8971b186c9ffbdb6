"""Chooses the login store if `ALTDENTIFIER_STORE` is not set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

from .errors import ConfigError
from .stores import MemoryStore, Store, from_setting

#: Values of `SESSION_TYPE` for servers that cannot keep logins.
UNSUITABLE_SESSION_TYPES = frozenset({"memcached", "mongodb", "dynamodb"})


def default_store(app: Flask) -> Store:
    """Return a store on the server that keeps the app's sessions, else SQLite. In tests, memory.

    Raises `ConfigError` if sessions are on a server that cannot keep logins.
    """
    check_session_type(app)
    session_type = _session_type(app)
    interface: Any = app.session_interface
    client = getattr(interface, "client", None)
    if client is not None and session_type == "redis":
        _check_redis_client(app, client)
        return from_setting(client)
    if client is not None and session_type == "sqlalchemy":
        return from_setting(client.engine)
    if session_type == "cachelib":
        _check_cachelib(interface)
    if app.testing:
        return MemoryStore()
    # Imported here because sqlite3 takes 4 ms to import, and apps on Redis do not need it.
    from .stores import SQLiteStore

    return SQLiteStore(Path(app.instance_path) / "altdentifier.sqlite3", create_directory=True)


def check_session_type(app: Flask) -> None:
    """Raise `ConfigError` if sessions are on a server that cannot keep logins."""
    session_type = _session_type(app)
    if session_type in UNSUITABLE_SESSION_TYPES:
        raise ConfigError(
            "ALTDENTIFIER_STORE is missing, and the server of SESSION_TYPE "
            f"{session_type!r} cannot keep logins. Set ALTDENTIFIER_STORE to 'redis://...', to a "
            "database URL, or to 'sqlite:///altdentifier.sqlite3' if all workers run on one "
            "machine."
        )


def _session_type(app: Flask) -> str:
    return str(app.config.get("SESSION_TYPE") or "").lower()


def _check_redis_client(app: Flask, client: object) -> None:
    """Raise `ConfigError` if Flask-Session does not use the client in `SESSION_REDIS`.

    Flask-Session 0.8 replaces any other object than a `redis.Redis`, such as a `RedisCluster`, with
    a client for the Redis on localhost.
    """
    configured = app.config.get("SESSION_REDIS")
    if configured is not None and configured is not client:
        raise ConfigError(
            "SESSION_REDIS is not the client that keeps the sessions. Flask-Session accepts only a "
            "redis.Redis that is set before Session(app). Set ALTDENTIFIER_STORE to the client for "
            "the logins."
        )


def _check_cachelib(interface: Any) -> None:
    cache = type(getattr(interface, "cache", None)).__name__
    if cache not in {"FileSystemCache", "SimpleCache", "NoneType"}:
        raise ConfigError(
            f"ALTDENTIFIER_STORE is missing, and SESSION_CACHELIB is a {cache}, which cannot keep "
            "logins. Set ALTDENTIFIER_STORE to 'redis://...' or to a database URL."
        )
