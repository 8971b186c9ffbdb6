"""The database of `SQLiteStore`: its table, its version, and the settings of a connection."""

from __future__ import annotations

import sqlite3
import time

from .errors import (
    CannotOpenDatabase,
    DatabaseDamaged,
    NewerDatabaseVersion,
    NotADatabase,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
)

VERSION = 1
#: Milliseconds to wait for another process that writes.
BUSY_TIMEOUT = 700

CREATE = (
    "BEGIN IMMEDIATE",
    "CREATE TABLE IF NOT EXISTS altdentifier_records"
    " (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, expires_at REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS altdentifier_records_expires_at"
    " ON altdentifier_records (expires_at)",
    f"PRAGMA user_version = {VERSION}",
    "COMMIT",
)

#: By message, because Python 3.10 does not expose SQLite's error codes.
ERRORS: dict[str, type[StoreError]] = {
    "attempt to write a readonly database": StoreReadOnly,
    "database disk image is malformed": DatabaseDamaged,
    "database is locked": StoreBusy,
    "database or disk is full": StoreFull,
    "file is not a database": NotADatabase,
    "unable to open database file": CannotOpenDatabase,
}


def to_store_error(error: sqlite3.Error) -> Exception:
    """Return an error whose class names the problem, or *error* itself."""
    named = ERRORS.get(str(error))
    return error if named is None else named()


def prepare(connection: sqlite3.Connection) -> None:
    """Configure a new connection, and create the table if the database is new."""
    version = _open_in_wal_mode(connection)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    connection.execute("PRAGMA synchronous = NORMAL")
    if version < VERSION:
        for statement in CREATE:
            connection.execute(statement)


def _open_in_wal_mode(connection: sqlite3.Connection) -> int:
    """Switch the database to a write-ahead log, and return the version of its schema.

    If two connections switch a new file at once, SQLite reports "locked" to one without waiting.
    """
    attempts_left = BUSY_TIMEOUT // 10
    while True:
        try:
            return _try_wal_mode(connection)
        except sqlite3.OperationalError as error:
            attempts_left -= 1
            if not attempts_left or ERRORS.get(str(error)) is not StoreBusy:
                raise
        time.sleep(0.01)


def _try_wal_mode(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise NewerDatabaseVersion
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    return version
