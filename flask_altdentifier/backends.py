"""Finds the cache that Flask-Session's sessions already use."""

from __future__ import annotations

from typing import Any

from cachelib import BaseCache, MemcachedCache, MongoDbCache, RedisCache
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from .errors import ConfigError


def refuse_cookie_sessions(app: Flask) -> None:
    """Raise `ConfigError` where sessions are Flask's signed cookies.

    The browser holds those, so a used state could be brought back. It can be told at the first
    request only: `Session(app)` may run after the blueprint is registered.
    """
    if isinstance(app.session_interface, SecureCookieSessionInterface):
        raise ConfigError(
            "Sessions are Flask's signed cookies, which the browser keeps and can bring back. "
            "Set SESSION_TYPE and call flask_session.Session(app)."
        )


def session_cache(app: Flask) -> BaseCache:
    """Return a cache on the server that the app's sessions are kept on.

    Raises `ConfigError` where the sessions' backend is none that cachelib speaks to, or where
    their interface is not Flask-Session's.
    """
    refuse_cookie_sessions(app)
    interface: Any = app.session_interface
    cache: BaseCache | None = getattr(interface, "cache", None)
    client = getattr(interface, "client", None)
    kind = str(app.config.get("SESSION_TYPE", "")).lower()
    if kind in {"cachelib", "filesystem"} and cache is not None:
        return cache
    if kind == "redis" and client is not None:
        _refuse_replaced(app.config.get("SESSION_REDIS"), client)
        return RedisCache(client)
    if kind == "memcached" and client is not None:
        return MemcachedCache(client)
    if kind == "mongodb" and client is not None:
        database = app.config.get("SESSION_MONGODB_DB", "flask_session")
        return MongoDbCache(client, db=database, collection="altdentifier")
    raise ConfigError(
        f"ALTDENTIFIER_STORE is missing: sessions of SESSION_TYPE {kind!r} in "
        f"{type(interface).__name__} cannot keep logins. "
        "Set it to a cachelib cache that all workers share, such as "
        "cachelib.RedisCache(redis.Redis(...)) or cachelib.FileSystemCache('/var/lib/app/logins')."
    )


def _refuse_replaced(wanted: Any, used: Any) -> None:
    """Raise `ConfigError` where Flask-Session uses another client than the one it was given.

    Version 0.8 does so with whatever is no `redis.Redis`, such as `RedisCluster`.
    """
    if wanted is None or wanted is used:
        return
    from redis import Redis

    if not isinstance(wanted, Redis):
        raise ConfigError(
            f"SESSION_REDIS is a {type(wanted).__name__}, which Flask-Session does not take: it "
            "uses the Redis on localhost instead. Set SESSION_TYPE to 'cachelib' and "
            "SESSION_CACHELIB to cachelib.RedisCache(...) with that client."
        )
    raise ConfigError(
        "SESSION_REDIS is not the Redis that sessions are kept in: it was set after "
        "Session(app), which reads it once. Set SESSION_REDIS before Session(app)."
    )
