"""Problems of the store. If not offline, this writes, reads and deletes a record."""

from __future__ import annotations

import os
import secrets
from math import inf
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..stores import MemoryStore, SQLiteStore, Store
from .findings import Findings, finding
from .subject import Subject, platform_variable
from .trial import MAX_WAIT, Failure, run_in_time

#: Codes by the class name of a store's exception.
_CODES = {
    "StoreDirectoryMissing": "store-directory",
    "StoreReadOnly": "store-read-only",
    "CannotOpenDatabase": "store-read-only",
    "PermissionError": "store-read-only",
    "NewerDatabaseVersion": "store-newer",
    "NotADatabase": "store-damaged",
    "DatabaseDamaged": "store-damaged",
    "StoreFull": "store-full",
    "OutOfMemoryError": "store-full",
}
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "ceph", "glusterfs", "efs")
_MOUNTS = Path("/proc/self/mounts")


def check_store(subject: Subject, *, offline: bool) -> Findings:
    """Find problems of the store, and try it unless *offline*."""
    try:
        store = subject.state.get_store()
    except ConfigError as error:
        yield finding("store-config", error=error)
        return
    path = sqlite_path(store)
    yield from _check_kind(subject, store, path)
    if not offline:
        yield from _try_store(subject, store, path)


def _check_kind(subject: Subject, store: Store, path: Path | None) -> Findings:
    # In development and tests there is one process.
    is_developer = (subject.app.debug or subject.app.testing) and not subject.is_production
    if isinstance(store, MemoryStore) and not is_developer:
        yield finding("store-memory")
    if path is not None:
        kind, sign = _network_file_system(path), platform_variable()
        if kind is not None:
            yield finding("store-network", path=path, kind=kind)
        elif sign is not None:
            yield finding("store-one-machine", sign=sign)
    sessions = getattr(subject.app.session_interface, "client", None)
    for key, client in {"SESSION_REDIS": sessions, "ALTDENTIFIER_STORE": _client(store)}.items():
        if client is not None and client is not (sessions if key != "SESSION_REDIS" else None):
            yield from _redis_timeout(key, client)


def _try_store(subject: Subject, store: Store, path: Path | None) -> Findings:
    def trial() -> None:
        if path is None or path.exists():
            _use_store(store, subject.state.key_prefix)
        else:
            connections: Any = store._connections  # type: ignore[attr-defined]  # noqa: SLF001
            _use_neighbor(path, create_directory=connections._create_directory)  # noqa: SLF001

    failure = run_in_time(subject.app, trial)
    if failure is None:
        yield from _redis_eviction(subject, _client(store))
        return
    code = _CODES.get(failure.cause, "store-unreachable")
    where = path.parent if path and code == "store-directory" else path
    fix = "Give the user of the workers access." if path is None else _folder_fix(path.parent)
    yield finding(code, cause=failure.text, path=where, fix=fix)


def _folder_fix(folder: Path) -> str:
    """Return the command that lets the workers write into *folder*, which may not exist."""
    # Path.exists() raises PermissionError below a folder that is closed to this user.
    above = next(path for path in (folder, *folder.parents) if os.path.exists(path))  # noqa: PTH110
    if above == folder:
        return f"chown -R USER {folder}  # USER is who runs the workers"
    if os.access(above, os.W_OK):
        return f"mkdir -p -m 700 {folder}"
    return f"install -d -m 700 -o USER {folder}  # as root. USER is who runs the workers"


def _use_store(store: Store, prefix: str) -> None:
    key, value = f"{prefix}check:{secrets.token_hex(16)}", secrets.token_hex(16)
    store.set(key, value, 60)
    if store.get(key) != value or store.pop(key) != value:
        raise Failure("NothingReturned")
    store.delete(key)


def sqlite_path(store: Store) -> Path | None:
    """Return the path of the SQLite file of *store*, or None if it is another store."""
    connections = getattr(store, "_connections", None)
    path = getattr(connections, "_path", None)
    return None if path is None else Path(path)


def _client(store: Store) -> Any:
    """Return the Redis client of *store*, or None."""
    client = getattr(store, "_client", None)
    return client if hasattr(client, "execute_command") else None


def _use_neighbor(path: Path, *, create_directory: bool) -> None:
    """Use a file beside *path*, which does not exist yet.

    If this command created *path*, the file would belong to the user of this command, and the
    workers could not open it.
    """
    if create_directory and not path.parent.exists():
        above = next(folder for folder in path.parents if folder.exists())
        if not os.access(above, os.W_OK):
            raise Failure("PermissionError")
        return  # the first worker creates it
    neighbor = path.with_name(f"{path.name}.check")
    store = SQLiteStore(neighbor)
    try:
        _use_store(store, "")
    finally:
        store._connections.close()  # noqa: SLF001
        for suffix in ("", "-wal", "-shm"):
            Path(f"{neighbor}{suffix}").unlink(missing_ok=True)


def _network_file_system(path: Path) -> str | None:
    """Return the type of the network file system that *path* is on, or None. Linux only."""
    try:
        mounts = [line.split(" ")[1:3] for line in _MOUNTS.read_text().splitlines()]
    except OSError:
        return None
    above = [(point, kind) for point, kind in mounts if path.is_relative_to(point)]
    _, kind = max(above, key=lambda mount: len(mount[0]), default=("", ""))
    return kind if kind.startswith(_NETWORK_FILE_SYSTEMS) else None


def _redis_eviction(subject: Subject, client: Any) -> Findings:
    found: dict[str, Any] = {}

    def ask() -> None:
        found.update(client.info("memory"))

    if client is None or run_in_time(subject.app, ask) is not None:
        return  # not every Redis user has the permission
    # A cluster returns the values of each node.
    nodes = [found] if "maxmemory_policy" in found else list(found.values())
    for policy in {node["maxmemory_policy"] for node in nodes if node.get("maxmemory")}:
        if policy != "noeviction":
            yield finding("redis-eviction", policy=policy)


def _redis_timeout(key: str, client: Any) -> Findings:
    for name in ("connection_pool", "nodes_manager"):
        options = getattr(getattr(client, name, None), "connection_kwargs", None)
        # The attribute can be of any type, because pymongo's client has every attribute.
        if isinstance(options, dict) and _longest_wait(client, options) > MAX_WAIT:
            yield finding("redis-timeout", key=key)


def _longest_wait(client: Any, options: dict[str, Any]) -> float:
    """Return for how many seconds a Redis client waits for a server that hangs."""
    retry = getattr(client, "retry", None) or options.get("retry")
    retries = getattr(retry, "_retries", getattr(client, "cluster_error_retry_attempts", 0))
    is_socket_file = "path" in options  # connecting to it fails at once
    names = ["socket_timeout"] if is_socket_file else ["socket_timeout", "socket_connect_timeout"]
    longest = max(options.get(name) or inf for name in names)
    return inf if retries < 0 else (1 + retries) * longest
