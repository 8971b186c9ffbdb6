"""Connections to one SQLite file: opened at first use, one thread at a time, never forked."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from .errors import StoreDirectoryMissing, StoreFileMissing, StoreFileReplaced
from .sqlite_schema import prepare


class Connections:
    """The connections of this process to one file.

    Each is used by one thread at a time and then kept for the next, so that threads that end leave
    none behind and servers with a thread per request do not open one per request.
    """

    def __init__(self, path: Path, *, create_directory: bool) -> None:
        self._path = str(path.absolute())
        self._create_directory = create_directory
        #: Device and inode of the file, once it was used.
        self._identity: tuple[int, int] | None = None
        self._start()
        _all_connections.add(self)

    def _start(self) -> None:
        self._open: set[sqlite3.Connection] = set()
        self._idle: list[sqlite3.Connection] = []
        self._pid = os.getpid()

    def acquire(self) -> sqlite3.Connection:
        """Return a connection that nobody else uses. Give it to `release` or `discard`."""
        if self._pid != os.getpid():
            _inherited.append(self._open)
            self._start()
        if self._identity is not None:
            self._check_file()
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def release(self, connection: sqlite3.Connection) -> None:
        """Keep *connection* for the next caller."""
        self._idle.append(connection)

    def discard(self, connection: sqlite3.Connection) -> None:
        """Close *connection*; a transaction in progress is rolled back."""
        self._open.discard(connection)
        connection.close()

    def close(self) -> bool:
        """Close the idle connections of this process, and return whether none is left."""
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
            # mode=rw: SQLite itself must not create a file in place of one that is gone.
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
        """Create the file, readable by its owner only, if there is none.

        The descriptor is closed while no other thread can open the file: closing any descriptor
        of a file drops the locks that the process holds on it (POSIX).
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
        """Raise unless the file is the one that this process used first."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 -- a third of the time of Path.stat()
        except FileNotFoundError:
            raise StoreFileMissing from None
        identity = (status.st_dev, status.st_ino)
        if self._identity is None:
            self._identity = identity
        if identity != self._identity:
            raise StoreFileReplaced


#: Held while a connection is opened, and while the process forks.
_opening = threading.Lock()
_all_connections: WeakSet[Connections] = WeakSet()
#: Connections of a parent process, kept from deallocation, which would close them.
_inherited: list[set[sqlite3.Connection]] = []


def _before_fork() -> None:
    """Close all connections, and wait up to a second for those that are in use.

    SQLite keeps one set of locks per file and process. A child inherits this set but not the locks,
    believes to have them, and its new connections lock nothing: the parent then deletes the
    write-ahead log under the child, and what the child wrote is lost.
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
    """Replace the lock: uWSGI calls this without calling `_before_fork`."""
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
