"""Connections to one SQLite file. They open at first use and never survive a fork."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from .errors import (
    StoreDirectoryMissing,
    StoreFileForeign,
    StoreFileMissing,
    StoreFileReplaced,
)
from .sqlite_schema import prepare

#: Held while a connection is opened, and while the process forks.
_opening = threading.Lock()
_all_connections: WeakSet[Connections] = WeakSet()
#: Connections of a parent process. The reference prevents their deallocation, which closes them.
_inherited: list[set[sqlite3.Connection]] = []


class Connections:
    """The connections of this process to one file.

    One thread at a time uses a connection, and then releases it for the next thread. So threads
    that end leak no connections, and servers with a thread per request do not open one per request.
    """

    def __init__(self, path: Path, *, create_directory: bool) -> None:
        self._path = str(path.absolute())
        self._create_directory = create_directory
        #: Device and inode of the file, after its first use.
        self._identity: tuple[int, int] | None = None
        self._forget_connections()
        _all_connections.add(self)

    def _forget_connections(self) -> None:
        self._open: set[sqlite3.Connection] = set()
        self._idle: list[sqlite3.Connection] = []
        self._pid = os.getpid()

    def acquire(self) -> sqlite3.Connection:
        """Return a connection for one thread, which then calls `release` or `discard`."""
        if self._pid != os.getpid():
            _inherited.append(self._open)
            self._forget_connections()
        if self._identity is not None:
            self._check_file()
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def release(self, connection: sqlite3.Connection) -> None:
        """Make *connection* available to the next caller."""
        self._idle.append(connection)

    def discard(self, connection: sqlite3.Connection) -> None:
        """Close *connection*. SQLite rolls back its transaction if there is one."""
        self._open.discard(connection)
        connection.close()

    def close(self) -> bool:
        """Close the idle connections of this process. Return whether no connection is open."""
        if self._pid != os.getpid():
            return True
        with suppress(IndexError):
            while True:
                self.discard(self._idle.pop())
        return not self._open

    def _connect(self) -> sqlite3.Connection:
        with _opening:
            if self._identity is None:
                self._create_file()
            _refuse_planted_files(self._path)
            # mode=rw, because SQLite must not create an empty file in place of a deleted one.
            uri = f"{Path(self._path).as_uri()}?mode=rw"
            connection = sqlite3.connect(
                uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False
            )
            self._open.add(connection)
            try:
                prepare(connection)
                self._check_file()
            except BaseException:
                self.discard(connection)
                raise
            return connection

    def _create_file(self) -> None:
        """Create the file, readable by its owner only, if it does not exist.

        The caller holds `_opening`, so no other thread has the file open when the descriptor is
        closed. Closing any descriptor of a file releases all POSIX locks of the process on it.
        """
        if self._create_directory:
            Path(self._path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            pass
        except FileNotFoundError:
            raise StoreDirectoryMissing from None

    def _check_file(self) -> None:
        """Raise if the file is not the one that this process used first."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 -- a third of the time of Path.stat()
        except FileNotFoundError:
            raise StoreFileMissing from None
        identity = (status.st_dev, status.st_ino)
        if self._identity is None:
            self._identity = identity
        if identity != self._identity:
            raise StoreFileReplaced


def _refuse_planted_files(path: str) -> None:
    """Raise if another user owns the file, or a file of SQLite beside it, in a shared directory.

    A user who creates the file first in a directory such as `/tmp` could read and write records.
    Linux has the same rule (`fs.protected_regular`), but not for files that exist already.
    """
    directory = os.stat(os.path.dirname(path))  # noqa: PTH116, PTH120
    if directory.st_mode & (stat.S_ISVTX | stat.S_IWOTH) != stat.S_ISVTX | stat.S_IWOTH:
        return
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            if os.lstat(path + suffix).st_uid not in {os.geteuid(), directory.st_uid}:
                raise StoreFileForeign


def _before_fork() -> None:
    """Close all connections, and wait up to a second for those that are in use.

    SQLite tracks the locks of a process in memory. A child inherits this memory but not the locks,
    so its new connections do not lock the file. The parent can then delete the write-ahead log that
    the child uses, and the child's changes are lost.
    """
    _opening.acquire()
    for _ in range(1000):
        all_closed = True
        for connections in list(_all_connections):
            all_closed &= connections.close()
        if all_closed:
            return
        time.sleep(0.001)


def _after_fork_in_child() -> None:
    """Replace the lock, because uWSGI forks without calling `_before_fork`."""
    global _opening
    _opening = threading.Lock()


def _after_fork_in_parent() -> None:
    _opening.release()


if hasattr(os, "register_at_fork"):  # pragma: no branch -- Windows has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
