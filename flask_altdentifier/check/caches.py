"""What is wrong with the caches that sessions and logins are kept in, by the looks of them."""

from __future__ import annotations

import os
from typing import Any

from cachelib import BaseCache, FileSystemCache, RedisCache, SimpleCache
from flask import Flask

from ..installed import installed
from .findings import QUICK_REDIS, Findings, finding

STORE = "ALTDENTIFIER_STORE"
#: Entries that a cache must have room for, so that visitors do not push out logins.
MIN_THRESHOLD = 10_000
#: Seconds within which a server that is down must be noticed.
MAX_WAIT = 2.0


def keys(app: Flask) -> tuple[str, str]:
    """Return the config keys that name the store and the backend of the sessions."""
    kind = str(app.config.get("SESSION_TYPE") or "type").upper()
    sessions = f"SESSION_{'FILE_DIR' if kind == 'FILESYSTEM' else kind}"
    return sessions if installed().settings.store is None else STORE, sessions


# One key may be in several findings; then each gives the one line that mends them all.


def server_line(key: str, cache: Any) -> str:
    """Return the line that leads to another server than the one of *cache*, of the same kind."""
    line = f"{key} = ..." if _redis_client(cache) is None else redis_line(key)
    return f"{line}  # one that is up and takes writes"


def redis_line(key: str) -> str:
    """Return the line that leads to a Redis whose client gives up soon."""
    cache = QUICK_REDIS if key == "SESSION_REDIS" else f"RedisCache({QUICK_REDIS})"
    return f"{key} = {cache}"


def _files_line(key: str) -> str:
    path = f"/var/lib/app/{'logins' if key == STORE else 'sessions'}"
    return f'{key} = FileSystemCache("{path}", threshold=100_000, mode=0o600)'


def in_caches(app: Flask, store: BaseCache) -> Findings:
    """Look at the store's cache, and at the sessions' own where another key names it."""
    store_key, sessions_key = keys(app)
    sessions = sessions_cache(app)
    in_files = isinstance(store, FileSystemCache) and not app.testing
    bounded = in_files or _is_private(app, store)
    moves = bounded and place(sessions) == place(store)
    yield from _in_cache(app, store, store_key, moves=moves and store_key == STORE)
    if store_key != sessions_key:
        yield from _in_cache(app, sessions, sessions_key)
    if moves:
        yield finding("store-shared", mend=_files_line(STORE))


def sessions_cache(app: Flask) -> Any:
    """Return the cache or client that Flask-Session keeps sessions with, or None."""
    interface: Any = app.session_interface
    return getattr(interface, "cache", None) or getattr(interface, "client", None)


def place(cache: Any) -> object:
    """Return what two caches have in common that keep their entries in one place."""
    if isinstance(cache, FileSystemCache):
        return os.path.realpath(cache._path)  # noqa: SLF001
    client = _redis_client(cache)
    return cache if client is None else client


def _redis_client(cache: Any) -> Any:
    """Return the redis-py client that is, or is in, *cache*, or None."""
    client = cache._write_client if isinstance(cache, RedisCache) else cache  # noqa: SLF001
    pool = getattr(client, "connection_pool", None)
    # A dict: pymongo's client has any attribute that it is asked for.
    return client if isinstance(getattr(pool, "connection_kwargs", None), dict) else None


def _is_private(app: Flask, cache: Any) -> bool:
    # Whoever develops or tests runs one process.
    return isinstance(cache, SimpleCache) and not (app.debug or app.testing)


def _in_cache(app: Flask, cache: Any, key: str, *, moves: bool = False) -> Findings:
    """Look at *cache*, which *moves* where another finding moves it."""
    if _is_private(app, cache):
        yield finding("store-private", key=key, mend=_files_line(key))
    bounded = isinstance(cache, (FileSystemCache, SimpleCache))
    threshold = cache._threshold if bounded else 0  # noqa: SLF001
    if 0 < threshold < MIN_THRESHOLD:
        mend = f"{key} = {type(cache).__name__}(..., threshold=100_000)"
        if key == "SESSION_FILE_DIR":
            mend = "SESSION_FILE_THRESHOLD = 100_000"
        if moves or _is_private(app, cache):
            mend = _files_line(key)
        yield finding("cache-threshold", key=key, threshold=threshold, mend=mend)
    client = _redis_client(cache)
    if client is not None and _longest_wait(client) > MAX_WAIT:
        yield finding("redis-timeout", key=key, mend=redis_line(key))


def _longest_wait(client: Any) -> float:
    """Return for how many seconds a redis-py client waits for a server that is gone."""
    options = client.connection_pool.connection_kwargs
    retries = getattr(options.get("retry"), "_retries", 0)
    waits = [options.get(name) for name in ("socket_timeout", "socket_connect_timeout")]
    endless = retries < 0 or None in waits
    return float("inf") if endless else (1 + retries) * max(waits)
