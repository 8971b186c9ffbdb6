"""Records in an SQLite file, for all workers on one machine."""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from pathlib import Path
from typing import Any

from .base import AFTER_KEYS
from .sqlite_connections import Connections
from .sqlite_schema import to_store_error

GET = "SELECT value FROM altdentifier_records WHERE key = ? AND expires_at > ?"
SET = "INSERT OR REPLACE INTO altdentifier_records (key, value, expires_at) VALUES (?, ?, ?)"
DELETE = "DELETE FROM altdentifier_records WHERE key = ?"
DELETE_RETURNING = (
    "DELETE FROM altdentifier_records WHERE key = ? AND expires_at > ? RETURNING value"
)
DELETE_EXPIRED = (
    "DELETE FROM altdentifier_records WHERE key IN"
    " (SELECT key FROM altdentifier_records WHERE expires_at <= ? ORDER BY expires_at LIMIT 2)"
)
#: Records that `clear` deletes per transaction, so that other processes can write in between.
BATCH = 500
COUNT_BATCH = (
    "SELECT count(*), coalesce(sum(live), 0) FROM"
    " (SELECT expires_at > ? AS live FROM altdentifier_records"
    " WHERE key >= ? AND key < ? ORDER BY key LIMIT ?)"
)
DELETE_BATCH = (
    "DELETE FROM altdentifier_records WHERE key IN"
    " (SELECT key FROM altdentifier_records WHERE key >= ? AND key < ? ORDER BY key LIMIT ?)"
)


class SQLiteStore:
    """Keep records in an SQLite file, for any number of workers on one machine.

    The first use creates the file, readable by its owner only. The file must not be on a network
    file system, where SQLite's write-ahead log does not work.

    If the file is deleted or replaced while a process uses it, that process raises
    `StoreFileMissing` until it is restarted. Otherwise the processes could use different files, and
    a logout in one process would not end the login in another.

    After a power failure, the last few changes may be missing (`synchronous=NORMAL`), but the file
    stays intact.

    Args:
        path: Path of the file. A relative path starts at the current directory.
        create_directory: Whether to create the file's directory too, with mode 0700.

    Example::

        app.config["ALTDENTIFIER_STORE"] = SQLiteStore("/var/lib/shop/logins.sqlite3")
    """

    def __init__(self, path: str | os.PathLike[str], *, create_directory: bool = False) -> None:
        self._connections = Connections(Path(path), create_directory=create_directory)
        weakref.finalize(self, self._connections.close)

    def get(self, key: str) -> str | None:
        """Return the value of the record, or None if there is none or it has expired."""
        return _first(self._run((GET, (key, time.time())))[0])

    def set(self, key: str, value: str, ttl: float) -> None:
        """Create or overwrite the record. It expires after *ttl* seconds.

        Each call also deletes two expired records, so that no call pays for all of them.
        """
        now = time.time()
        self._run((SET, (key, value, now + ttl)), (DELETE_EXPIRED, (now,)))

    def pop(self, key: str) -> str | None:
        """Atomically delete the record and return its value, or None if there is none."""
        now = time.time()
        if sqlite3.sqlite_version_info >= (3, 35):
            return _first(self._run((DELETE_RETURNING, (key, now)))[0])
        return _first(self._run((GET, (key, now)), (DELETE, (key,)))[0])

    def delete(self, key: str) -> None:
        """Delete the record, if there is one."""
        self._run((DELETE, (key,)))

    def clear(self, prefix: str) -> int:
        """Delete all records whose keys start with *prefix*, and return how many were live."""
        cleared, found = 0, BATCH
        batch = (prefix, prefix + AFTER_KEYS, BATCH)
        while found == BATCH:
            counts, _ = self._run((COUNT_BATCH, (time.time(), *batch)), (DELETE_BATCH, batch))
            found, live = counts[0]
            cleared += live
        return cleared

    def _run(self, *statements: tuple[str, tuple[Any, ...]]) -> list[list[Any]]:
        """Return the rows of each statement. Several statements are one transaction."""
        try:
            connection = self._connections.acquire()
            try:
                rows = _execute(connection, statements)
            except BaseException:
                self._connections.discard(connection)
                raise
        except sqlite3.Error as error:
            raise to_store_error(error) from error
        self._connections.release(connection)
        return rows


def _execute(
    connection: sqlite3.Connection, statements: tuple[tuple[str, tuple[Any, ...]], ...]
) -> list[list[Any]]:
    # fetchall(), because a statement whose rows were not all read does not commit.
    if len(statements) == 1:
        return [connection.execute(*statements[0]).fetchall()]
    connection.execute("BEGIN IMMEDIATE")
    rows = [connection.execute(*statement).fetchall() for statement in statements]
    connection.execute("COMMIT")
    return rows


def _first(rows: list[Any]) -> str | None:
    return str(rows[0][0]) if rows else None
