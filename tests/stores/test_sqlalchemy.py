"""The table, and what happens between two statements of `SQLAlchemyStore`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from flask_altdentifier.stores import SQLAlchemyStore, Store, sqlalchemy_table
from flask_altdentifier.stores import sqlalchemy as store_module

from .conftest import MAKERS
from .processes import barrier, in_children


@pytest.fixture
def engine(path: os.PathLike[str]) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


def change_before(engine: Engine, name: str, change: Any) -> None:
    """Call *change* before the next statement of *engine* that starts with *name*."""
    changes = [change]

    def listener(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if changes and statement.strip().startswith(name):
            changes.pop()()

    event.listen(engine, "before_cursor_execute", listener)


def set_at_once(store: Store, start: Any, number: int) -> None:
    start.wait(20)
    store.set("key", "value", 60)


@pytest.mark.server
@pytest.mark.parametrize("store", ["psycopg", "pymysql"])
def test_workers_create_the_table_at_once(store: str, request: pytest.FixtureRequest) -> None:
    for made in MAKERS[store](request.getfixturevalue):
        assert isinstance(made, SQLAlchemyStore)
        made.get("key")
        for _ in range(5):
            with made._engine.begin() as connection:
                sqlalchemy_table.TABLE.drop(connection)
            made._has_table = False
            in_children(4, partial(set_at_once, made, barrier(4)))
            assert made.pop("key") == "value"


def test_table_that_another_worker_creates_meanwhile_is_used(engine: Engine) -> None:
    other = SQLAlchemyStore(create_engine(engine.url))
    change_before(engine, "CREATE TABLE", lambda: other.set("key", "of another", 60))
    assert SQLAlchemyStore(engine).get("key") == "of another"
    other._engine.dispose()


def test_table_that_cannot_be_created_is_an_error(engine: Engine) -> None:
    store = SQLAlchemyStore(engine)
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=1"))
    for _ in range(2):
        with pytest.raises(DBAPIError):
            store.get("key")


def test_pop_returns_the_value_that_it_deleted(engine: Engine) -> None:
    store: Store = SQLAlchemyStore(engine)
    store.set("key", "old", 60)
    change_before(engine, "DELETE", lambda: store.set("key", "new", 90))
    assert [store.pop("key"), store.get("key")] == ["new", None]


def test_transactions_that_the_engine_begins_itself_are_committed(engine: Engine) -> None:
    """SQLAlchemy recommends such a listener for SAVEPOINT on SQLite."""
    store: Store = SQLAlchemyStore(engine)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    store.set("key", "value", 60)
    assert [store.pop("key"), store.pop("key")] == ["value", None]
    store.set("key", "value", 60)
    store.delete("key")
    assert store.get("key") is None
    store.set("key", "value", 60)
    assert [store.clear("key"), store.clear("key")] == [1, 0]


@pytest.fixture
def in_transactions(request: pytest.FixtureRequest) -> Iterator[SQLAlchemyStore]:
    """A store on MariaDB that is not in autocommit mode."""
    for store in MAKERS["pymysql engine"](request.getfixturevalue):
        assert isinstance(store, SQLAlchemyStore)
        store.clear("")
        yield store


@pytest.mark.server
def test_record_that_changes_meanwhile_is_popped(in_transactions: SQLAlchemyStore) -> None:
    in_transactions.set("key", "old", 60)
    change_before(in_transactions._engine, "DELETE", lambda: in_transactions.set("key", "new", 90))
    assert in_transactions.pop("key") == "new"


@pytest.mark.server
def test_record_that_changes_meanwhile_is_cleared(in_transactions: SQLAlchemyStore) -> None:
    in_transactions.set("key", "old", 60)
    change_before(in_transactions._engine, "DELETE", lambda: in_transactions.set("key", "new", 90))
    assert [in_transactions.clear("key"), in_transactions.get("key")] == [1, None]


@pytest.mark.server
def test_expired_record_that_is_set_meanwhile_stays(
    in_transactions: SQLAlchemyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "DELETE_EXPIRED_EVERY", 2)
    in_transactions.set("another", "value", 60)
    in_transactions.set("key", "old", -1)
    change_before(in_transactions._engine, "DELETE", lambda: in_transactions.set("key", "new", 60))
    in_transactions.set("another", "value", 60)
    assert in_transactions.get("key") == "new"


def test_record_that_is_inserted_meanwhile_is_overwritten(engine: Engine) -> None:
    store = SQLAlchemyStore(engine)
    store.get("key")
    engine.dialect.name = "another"
    change_before(engine, "INSERT", lambda: store.set("key", "of another", 60))
    store.set("key", "mine", 60)
    assert store.get("key") == "mine"
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM altdentifier_records")) == 1
