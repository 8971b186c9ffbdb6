"""Problems of the Redis client and server that keep logins or sessions."""

from __future__ import annotations

from math import inf
from typing import Any

from ..stores import Store
from .findings import Findings, finding
from .subject import Subject
from .trial import MAX_WAIT, run_in_time


def check_redis_timeouts(subject: Subject, store: Store) -> Findings:
    """Find clients that wait too long for a server that hangs."""
    sessions, logins = getattr(subject.app.session_interface, "client", None), _client(store)
    clients = {"SESSION_REDIS": sessions}
    if logins is not sessions:
        clients["ALTDENTIFIER_STORE"] = logins
    for key, client in clients.items():
        if _longest_wait(client) > MAX_WAIT:
            yield finding("redis-timeout", key=key)


def check_redis_eviction(subject: Subject, store: Store) -> Findings:
    """Find a server that deletes logins when its memory is full."""
    client, found = _client(store), {}
    # Not every Redis user may ask.
    if client is None or run_in_time(subject.app, lambda: found.update(client.info("memory"))):
        return
    # A cluster returns the values of each node.
    nodes = [found] if "maxmemory_policy" in found else list(found.values())
    for policy in {node["maxmemory_policy"] for node in nodes if node.get("maxmemory")}:
        if policy != "noeviction":
            yield finding("redis-eviction", policy=policy)


def _client(store: Store) -> Any:
    """Return the Redis client of *store*, or None."""
    client = getattr(store, "_client", None)
    return client if hasattr(client, "execute_command") else None


def _longest_wait(client: Any) -> float:
    """Return how many seconds a Redis client waits for a server that hangs, 0 for any other."""
    pool = getattr(client, "nodes_manager", getattr(client, "connection_pool", None))
    options = getattr(pool, "connection_kwargs", None)
    if not isinstance(options, dict):  # pymongo's client has every attribute
        return 0
    retry = getattr(client, "retry", None) or options.get("retry")
    retries = getattr(retry, "_retries", getattr(client, "cluster_error_retry_attempts", 0))
    is_socket_file = "path" in options  # connecting to it fails at once
    names = ["socket_timeout"] if is_socket_file else ["socket_timeout", "socket_connect_timeout"]
    longest = max(options.get(name) or inf for name in names)
    return inf if retries < 0 else (1 + retries) * longest
