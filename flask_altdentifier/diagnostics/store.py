"""Problems of the store. If not offline, this writes, reads and deletes a record."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ..errors import ConfigError
from ..stores import MemoryStore, SQLiteStore, Store
from ..stores.errors import StoreDirectoryMissing
from .findings import Findings, finding
from .redis_client import check_redis_eviction, check_redis_timeouts
from .subject import Subject, platform_variable
from .trial import NothingReturned, run_in_time

_FOLDER_FIX = "mkdir -p {folder} && chown -R USER {folder}  # USER is who runs the workers"
_NO_ACCESS = ("this user cannot write to {path} or its folder", _FOLDER_FIX)
_DAMAGED = (
    "{path} is not an intact SQLite database",
    "mv {path} {path}.damaged  # while the workers are stopped; everybody logs in again",
)
#: What is wrong with an SQLite file, and the fix, by the class of the exception.
_FILE_CAUSES = {
    "StoreDirectoryMissing": ("the folder {folder} does not exist", _FOLDER_FIX),
    "StoreReadOnly": _NO_ACCESS,
    "CannotOpenDatabase": _NO_ACCESS,
    "PermissionError": _NO_ACCESS,
    "StoreFileForeign": (
        "another user owns {path}",
        "Move the file to a folder that only the workers can write to.",
    ),
    "NewerDatabaseVersion": (
        "a newer version of this package wrote {path}",
        "pip install --upgrade flask-altdentifier",
    ),
    "NotADatabase": _DAMAGED,
    "DatabaseDamaged": _DAMAGED,
    "StoreFull": ("the disk is full", "Free space on the disk of {folder}."),
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
    # In development and tests there is one process.
    is_developer = (subject.app.debug or subject.app.testing) and not subject.is_production
    if isinstance(store, MemoryStore) and not is_developer:
        yield finding("store-memory")
    if path is not None:
        yield from _place_of_file(path)
    yield from check_redis_timeouts(subject, store)
    if not offline:
        yield from _try_store(subject, store, path)


def sqlite_path(store: Store) -> Path | None:
    """Return the path of the SQLite file of *store*, or None if it is another store."""
    return Path(store._connections._path) if isinstance(store, SQLiteStore) else None  # noqa: SLF001


def _place_of_file(path: Path) -> Findings:
    kind, variable = _network_file_system(path), platform_variable()
    if kind is not None:
        yield finding("store-network", path=path, kind=kind)
    elif variable is not None:
        yield finding("store-one-machine", variable=variable)


def _network_file_system(path: Path) -> str | None:
    """Return the type of the network file system that *path* is on, or None. Linux only."""
    try:
        mounts = [line.split(" ")[1:3] for line in _MOUNTS.read_text().splitlines()]
    except OSError:
        return None
    above = [(point, kind) for point, kind in mounts if path.is_relative_to(point)]
    _, kind = max(above, key=lambda mount: len(mount[0]), default=("", ""))
    return kind if kind.startswith(_NETWORK_FILE_SYSTEMS) else None


def _try_store(subject: Subject, store: Store, path: Path | None) -> Findings:
    def trial() -> None:
        if path is not None and not path.exists():
            _check_folder(path.parent, is_created=subject.config.store is None)
        else:
            _use_store(store, subject.state.key_prefix)

    cause = run_in_time(subject.app, trial)
    if cause is None:
        yield from check_redis_eviction(subject, store)
        return
    text, fix = _explain(cause, path)
    yield finding("store-down", cause=text, fix=fix)


def _explain(cause: str, path: Path | None) -> tuple[str, str]:
    """Return what is wrong with the store, and how to fix it."""
    if path is not None and cause in _FILE_CAUSES:
        text, fix = (text.format(path=path, folder=path.parent) for text in _FILE_CAUSES[cause])
        return text, fix
    if cause == "OutOfMemoryError":
        return "Redis is full", "Free memory on the Redis server, or raise its maxmemory."
    return cause, "Start the store's server, or correct ALTDENTIFIER_STORE."


def _check_folder(folder: Path, *, is_created: bool) -> None:
    """Raise if the workers could not create the SQLite file in *folder*.

    This command does not create the file, because it would belong to the user of this command, and
    the workers could not open it.
    """
    if not is_created and not folder.exists():
        raise StoreDirectoryMissing
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        raise PermissionError


def _use_store(store: Store, prefix: str) -> None:
    key, value = f"{prefix}check:{secrets.token_hex(16)}", secrets.token_hex(16)
    store.set(key, value, 60)
    if store.get(key) != value or store.pop(key) != value:
        raise NothingReturned
    store.delete(key)
