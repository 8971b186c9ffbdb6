"""What is wrong with the caches that sessions and logins are kept in, by the looks of them."""

from __future__ import annotations

import os
from math import inf
from typing import Any

from cachelib import BaseCache, FileSystemCache, RedisCache, SimpleCache
from flask import Flask

from ..installed import installed
from .findings import QUICK_REDIS, Findings, finding

STORE = "ALTDENTIFIER_STORE"
#: Entries that a cache must have room for, so that visitors do not push out logins.
MIN_THRESHOLD = 10_000
#: Entries that a cache must have room for, so that sessions and logins can share it.
MIN_SHARED = 100_000
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
    client = _redis_client(cache)
    line = f"{key} = ..." if client is None else redis_line(key, client)
    return f"{line}  # one that is up and takes writes"


def redis_line(key: str, client: Any = None) -> str:
    """Return the line that leads to a Redis like that of *client*, with one that gives up soon."""
    quick = QUICK_REDIS
    if hasattr(client, "nodes_manager"):
        quick = quick.replace("Redis(", "RedisCluster(").replace("None", "Retry(NoBackoff(), 0)")
    return f"{key} = {quick if key == 'SESSION_REDIS' else f'RedisCache({quick})'}"


def _files_line(key: str) -> str:
    path = f"/var/lib/app/{'logins' if key == STORE else 'sessions'}"
    return f'{key} = FileSystemCache("{path}", threshold=100_000, mode=0o600)'


def in_caches(app: Flask, store: BaseCache) -> Findings:
    """Look at the store's cache, and at the sessions' own where another key names it."""
    store_key, sessions_key = keys(app)
    sessions = sessions_cache(app)
    in_files = isinstance(store, FileSystemCache) and not app.testing
    small = _threshold(store) < MIN_SHARED and (in_files or _is_private(app, store))
    moves = small and place(sessions) == place(store)
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
    return None if _options(client) is None else client


def _options(client: Any) -> dict[str, Any] | None:
    """Return with what a redis-py client connects, to one server or to the nodes of a cluster."""
    for name in ("connection_pool", "nodes_manager"):
        options = getattr(getattr(client, name, None), "connection_kwargs", None)
        if isinstance(options, dict):  # pymongo's client has any attribute that it is asked for
            return options
    return None


def _is_private(app: Flask, cache: Any) -> bool:
    # Whoever develops or tests runs one process.
    return isinstance(cache, SimpleCache) and not (app.debug or app.testing)


def _in_cache(app: Flask, cache: Any, key: str, *, moves: bool = False) -> Findings:
    """Look at *cache*, which *moves* where another finding moves it."""
    if _is_private(app, cache):
        yield finding("store-private", key=key, mend=_files_line(key))
    threshold = _threshold(cache)
    if threshold < MIN_THRESHOLD:
        mend = f"{key} = {type(cache).__name__}(..., threshold=100_000)"
        if key == "SESSION_FILE_DIR":
            mend = "SESSION_FILE_THRESHOLD = 100_000"
        if moves or _is_private(app, cache):
            mend = _files_line(key)
        yield finding("cache-threshold", key=key, threshold=threshold, mend=mend)
    client = _redis_client(cache)
    if client is not None and _longest_wait(client) > MAX_WAIT:
        yield finding("redis-timeout", key=key, mend=redis_line(key, client))


def _threshold(cache: Any) -> float:
    """Return for how many entries *cache* has room."""
    bounded = isinstance(cache, (FileSystemCache, SimpleCache))
    return (cache._threshold if bounded else 0) or inf  # noqa: SLF001


def _longest_wait(client: Any) -> float:
    """Return for how many seconds a redis-py client waits for a server that is gone."""
    options = _options(client) or {}
    # A cluster's client tries again by itself.
    retry = getattr(client, "retry", None) or options.get("retry")
    retries = getattr(retry, "_retries", getattr(client, "cluster_error_retry_attempts", 0))
    # Who connects to a socket file is told at once, and redis-py 8 drops that timeout.
    names = (
        ["socket_timeout"] if "path" in options else ["socket_timeout", "socket_connect_timeout"]
    )
    waits = [options.get(name) or inf for name in names]
    return inf if retries < 0 else (1 + retries) * max(waits)
