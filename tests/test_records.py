"""Records: JSON in the store, each with its kind and key, and what becomes of failures."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask import Flask

from flask_altdentifier.errors import ConfigError, StoreUnavailable
from flask_altdentifier.records import Records
from flask_altdentifier.stores import RedisStore

from .support import WatchedStore, state_of, words


def identity(data: Any) -> Any:
    return data


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore()


@pytest.fixture
def records(store: WatchedStore) -> Records:
    return Records(lambda: store, "altdentifier:0:")


def test_record_is_read_until_it_is_popped(records: Records) -> None:
    records.set("pending", "a", {"b": [1]}, 60)
    assert records.get("pending", "a", identity) == {"b": [1]}
    assert records.pop("pending", "a", identity) == {"b": [1]}
    assert records.pop("pending", "a", identity) is None


def test_delete_and_clear_leave_other_kinds(records: Records) -> None:
    for name in "abc":
        records.set("grant", name, 1, 60)
    records.set("session", "a", 1, 60)
    records.delete("grant", "a")
    assert records.clear("grant") == 2
    assert records.get("session", "a", identity) == 1


def test_values_are_json_with_kind_and_key(records: Records, store: WatchedStore) -> None:
    records.set("grant", "a", [1], 60)
    [key] = store.keys("grant")
    assert key == "altdentifier:0:grant:a"
    assert json.loads(store.get(key) or "") == {"kind": "grant", "key": key, "data": [1]}


def test_store_that_wraps_another_writes_every_record(store: WatchedStore) -> None:
    """It may encrypt the values, so the `set_records` of the other one must not be called."""

    class Wrapper:
        def __getattr__(self, name: str) -> Any:
            return getattr(RedisStore(None), name)  # type: ignore[arg-type]

        def set(self, key: str, value: str, ttl: float) -> None:
            store.set(key, value, ttl)

    wrapper: Any = Wrapper()
    Records(lambda: wrapper, "altdentifier:0:").set_all(
        ("pending", "a", 1, 60), ("session", "b", 2, 60)
    )
    assert store.calls == ["set pending", "set session"]


def test_store_that_can_write_several_records_at_once_does_so() -> None:
    class BatchStore(WatchedStore):
        def set_records(self, records: list[Any]) -> None:
            written.extend(key for key, _, _ in records)

    batches: Any = BatchStore()
    written: list[str] = []
    records = Records(lambda: batches, "altdentifier:0:")
    records.set_all(("pending", "a", 1, 60), ("session", "b", 2, 60))
    assert written == ["altdentifier:0:pending:a", "altdentifier:0:session:b"]
    assert batches.calls == []


DAMAGED = words('{ null 7 [] {} {"kind":"grant"} {"kind":"grant","key":"altdentifier:0:grant:a"}')
OTHERS = [
    {"kind": "pending", "key": "altdentifier:0:grant:a", "data": 1},
    {"kind": "grant", "key": "altdentifier:0:grant:b", "data": 1},
    {"kind": None, "key": None, "data": 1},
]


@pytest.mark.parametrize(
    "value", [*DAMAGED, *map(json.dumps, OTHERS), "", "[" * 50_000, "\ud800", 7, b"\xff"]
)
@pytest.mark.parametrize("method", ["get", "pop"])
def test_damaged_or_foreign_record_counts_as_none(
    records: Records, store: WatchedStore, value: Any, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.set("altdentifier:0:grant:a", value, 60)
    assert getattr(records, method)("grant", "a", identity) is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


CALLS: list[Any] = [
    ("get", "grant", "a", identity),
    ("pop", "grant", "a", identity),
    ("set", "grant", "a", 1, 60),
    ("delete", "grant", "a"),
    ("clear", "grant"),
]


@pytest.mark.parametrize("call", CALLS, ids=[call[0] for call in CALLS])
def test_any_exception_becomes_store_unavailable(
    records: Records, store: WatchedStore, call: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store.fail()
    with pytest.raises(StoreUnavailable) as caught:
        getattr(records, call[0])(*call[1:])
    assert caught.value.__cause__ is None
    assert caplog.messages == [f"store_unavailable (cause OSError in {call[0]})"]


def test_one_failure_ends_all_calls_of_a_request(
    app: Flask, records: Records, store: WatchedStore
) -> None:
    """Each request, and each use outside of requests, has records of its own."""
    store.failing = {"get"}
    for call in CALLS:
        with pytest.raises(StoreUnavailable):
            getattr(records, call[0])(*call[1:])
    assert store.calls == ["get grant"]
    assert records.error_reported
    state = state_of(app)
    assert state.records() is not state.records()


def test_config_error_of_the_store_is_not_hidden() -> None:
    def no_store() -> WatchedStore:
        raise ConfigError

    with pytest.raises(ConfigError):
        Records(no_store, "x:").clear("grant")
