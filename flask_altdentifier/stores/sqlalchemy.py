"""Records in PostgreSQL, MySQL or MariaDB, with SQLAlchemy Core."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Pool, create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.base import Executable

from . import sqlalchemy_table as table
from .base import AFTER_KEYS

#: Arguments that set each driver's timeouts to one second. psycopg rounds up to two seconds, and
#: has no timeout for a server that hangs after the connection was made.
DRIVER_TIMEOUTS: dict[str, dict[str, Any]] = {
    "mysqldb": {"connect_timeout": 1, "read_timeout": 1, "write_timeout": 1},
    "pg8000": {"timeout": 1},
    "psycopg": {"connect_timeout": 1},
    "psycopg2": {"connect_timeout": 1},
    "pymysql": {"connect_timeout": 1, "read_timeout": 1, "write_timeout": 1},
}
AUTOCOMMIT = {"isolation_level": "AUTOCOMMIT"}
#: Seconds after which a statement is not retried on a new connection, because the server hangs.
RETRY_WITHIN = 0.5
#: One of this many calls of `set` deletes expired records.
DELETE_EXPIRED_EVERY = 10


class SQLAlchemyStore:
    """Keep records in the table `altdentifier_records` of a database, for any number of machines.

    The table is created at first use. If the database user cannot create tables, create it
    beforehand::

        CREATE TABLE altdentifier_records (
            key BYTEA PRIMARY KEY,        -- VARBINARY(200) on MySQL and MariaDB
            value TEXT NOT NULL,          -- LONGTEXT CHARACTER SET utf8mb4
            expires_at BIGINT NOT NULL    -- milliseconds since 1970
        );
        CREATE INDEX altdentifier_records_expires_at ON altdentifier_records (expires_at);

    Records expire by the clocks of the machines that run the app.

    Args:
        engine: A SQLAlchemy 2 engine. Its driver's timeouts decide how fast it notices a server
            that hangs.

    Example::

        app.config["ALTDENTIFIER_STORE"] = SQLAlchemyStore(create_engine("postgresql+pg8000://..."))
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Autocommit saves a transaction per read. On MySQL, each switch to it is a round trip that
        # costs more and fails on a lost connection.
        self._in_transactions = engine.dialect.name in ("mysql", "mariadb")
        self._connections = engine
        if not self._in_transactions:
            self._connections = engine.execution_options(**AUTOCOMMIT)
        self._pid = os.getpid()
        self._inherited: list[Pool] = []
        self._has_table = False
        self._set_calls = itertools.count()

    @classmethod
    def from_url(cls, url: str) -> SQLAlchemyStore:
        """Create an engine for a SQLAlchemy URL, without connecting.

        If the driver has timeouts, they are one second. Options in the URL's query override them.

        Args:
            url: A URL of SQLAlchemy.

        Raises:
            ImportError: The driver is not installed.
            sqlalchemy.exc.ArgumentError: The URL is not valid.
            ValueError: A part of the URL is not valid.

        Example::

            SQLAlchemyStore.from_url("mysql+pymysql://user:password@host/database")
        """
        parsed = make_url(url)
        timeouts = DRIVER_TIMEOUTS.get(parsed.get_dialect().driver, {})
        engine = create_engine(
            parsed,
            connect_args={key: timeouts[key] for key in timeouts.keys() - parsed.query.keys()},
            pool_timeout=1,
            pool_recycle=180,  # before a NAT forgets an idle connection
            skip_autocommit_rollback=True,  # on MySQL a rollback is a round trip
            **AUTOCOMMIT,
        )
        store = cls(engine)
        # This engine is in autocommit mode from the start, on MySQL too.
        store._connections, store._in_transactions = engine, False
        return store

    def get(self, key: str) -> str | None:
        """Return the value of the record, or None if there is none or it has expired."""
        with self._execute(table.GET, {"the_key": key.encode(), "now": _now()}) as (_, result):
            row = result.first()
        return None if row is None else str(row.value)

    def set(self, key: str, value: str, ttl: float) -> None:
        """Create or overwrite the record. It expires after *ttl* seconds."""
        now = _now()
        record = {"the_key": key.encode(), "the_value": value, "the_end": now + int(ttl * 1000)}
        upsert = table.UPSERTS.get(self._engine.dialect.name, table.UPDATE)
        with self._execute(upsert, record) as (connection, result):
            if upsert is table.UPDATE and result.rowcount == 0:
                table.insert_or_update(connection, record)
            self._commit(connection)
            if next(self._set_calls) % DELETE_EXPIRED_EVERY == 0:
                table.delete_expired(connection, now)
                self._commit(connection)

    def pop(self, key: str) -> str | None:
        """Atomically delete the record and return its value, or None if there is none.

        The count of a DELETE decides which caller gets the value. DELETE ... RETURNING could not be
        retried after a connection was lost. If the first statement has reached the server, the
        second one finds no record.
        """
        parameters = {"the_key": key.encode(), "now": _now()}
        with self._execute(table.GET, parameters) as (connection, result):
            row: Any = result.first()
            while row is not None:
                self._commit(connection)
                unchanged = {"the_key": key.encode(), "the_end": row.expires_at}
                deleted = connection.execute(table.DELETE_UNCHANGED, unchanged).rowcount
                self._commit(connection)
                if deleted:
                    return str(row.value)
                row = connection.execute(table.GET, parameters).first()
        return None

    def delete(self, key: str) -> None:
        """Delete the record, if there is one."""
        with self._execute(table.DELETE, {"the_key": key.encode()}) as (connection, _):
            self._commit(connection)

    def clear(self, prefix: str) -> int:
        """Delete all records whose keys start with *prefix*, and return how many were live."""
        bounds = {"first": prefix.encode(), "end": (prefix + AFTER_KEYS).encode()}
        cleared, found = 0, table.BATCH
        while found == table.BATCH:
            with self._execute(table.KEYS_IN_RANGE, bounds) as (connection, result):
                rows = result.all()
                self._commit(connection)
                keys = {"keys": [row.key for row in rows]}
                deleted = connection.execute(table.DELETE_LISTED, keys).rowcount
                self._commit(connection)
            found = len(rows)
            cleared += deleted - sum(row.expires_at <= _now() for row in rows)
        return cleared

    @contextmanager
    def _execute(
        self, statement: Executable, parameters: dict[str, Any]
    ) -> Iterator[tuple[Connection, CursorResult[Any]]]:
        """Yield a connection and the result of its first statement, which must be idempotent.

        A connection is not reused after a failure. pg8000 raises a plain `TimeoutError`, which does
        not make SQLAlchemy invalidate the connection, although the result may still arrive on it.
        """
        with self._connect() as connection:
            try:
                yield connection, _execute_first(connection, statement, parameters)
            except BaseException:
                connection.invalidate()
                raise

    def _connect(self) -> Connection:
        if self._pid != os.getpid():
            self._leave_inherited_connections()
        if not self._has_table:
            with self._connections.connect() as connection:
                table.create_table(connection)
                connection.commit()
            self._has_table = True
        return self._connections.connect()

    def _commit(self, connection: Connection) -> None:
        """End the transaction, if there is one. Call it between a read and a write too.

        MariaDB 11.6 rejects the write if a row has changed since the transaction's first read.
        """
        # In autocommit mode too, an app's listener may send BEGIN, as for SAVEPOINT on SQLite.
        if self._in_transactions or self._engine.dispatch.begin:
            connection.commit()

    def _leave_inherited_connections(self) -> None:
        """Create a pool for this process, and prevent the parent's connections from being closed.

        Some drivers end the server's session if a connection object is garbage collected.
        """
        self._inherited.append(self._engine.pool)
        self._engine.dispose(close=False)
        self._pid = os.getpid()


def _execute_first(
    connection: Connection, statement: Executable, parameters: dict[str, Any]
) -> CursorResult[Any]:
    """Execute the first statement. Retry it once if the connection was lost while it was idle.

    Unlike `pool_pre_ping`, this needs no round trip if the connection is alive.
    """
    started = time.monotonic()
    try:
        return connection.execute(statement, parameters)
    except DBAPIError as error:
        late = time.monotonic() - started > RETRY_WITHIN
        if late or not error.connection_invalidated:
            raise
    connection.rollback()  # makes SQLAlchemy connect again
    return connection.execute(statement, parameters)


def _now() -> int:
    return int(time.time() * 1000)
