"""What every store promises."""

from __future__ import annotations

import os
import time

import pytest

from flask_altdentifier.records import Records
from flask_altdentifier.stores import (
    MemoryStore,
    SQLAlchemyStore,
    SQLiteStore,
    Store,
    from_setting,
    sqlite_connections,
)

from .processes import barrier, in_children, in_threads

ODD_KEYS = ["a", "A", "a ", " a", "a%", "a_", "a*", "a?", "a[b]", "a\\", "'\"`;--", "~" * 200]
JSON = '{"name": "Zoë 🦜 \\u0000 \u2028 %s {}", "path": "C:\\\\temp\'"}'


def test_record_is_kept_overwritten_and_deleted(store: Store) -> None:
    assert store.get("key") is None
    store.set("key", "first", 60)
    store.set("key", "second", 60)
    assert store.get("key") == "second"
    store.delete("key")
    store.delete("key")
    assert store.get("key") is None


def test_records_are_written_together(store: Store) -> None:
    records = Records(lambda: store, "app:")
    records.set_all(("pending", "a", 1, 60), ("session", "b", "two", 60), ("session", "c", 3, 0.2))
    time.sleep(0.25)
    assert records.get("pending", "a", int) == 1
    assert records.pop("session", "b", str) == "two"
    assert records.get("session", "c", int) is None


def test_pop_returns_the_value_once(store: Store) -> None:
    store.set("key", "value", 60)
    assert [store.pop("key"), store.pop("key"), store.get("key")] == ["value", None, None]


def test_keys_differ_in_every_character(store: Store) -> None:
    for key in ODD_KEYS:
        store.set(key, f"value of {key}", 60)
    assert [store.get(key) for key in ODD_KEYS] == [f"value of {key}" for key in ODD_KEYS]
    assert [store.pop(key) for key in ODD_KEYS] == [f"value of {key}" for key in ODD_KEYS]


@pytest.mark.parametrize("value", ["", JSON, "🦜" * 250_000], ids=["empty", "unicode", "1 MB"])
def test_value_comes_back_unchanged(store: Store, value: str) -> None:
    store.set("key", value, 60)
    assert store.get("key") == value
    assert store.pop("key") == value


@pytest.mark.parametrize("prefix", ["a", "a%", "a_", "a*", "a?", "a[b", "a\\", "~"])
def test_clear_takes_the_prefix_literally(store: Store, prefix: str) -> None:
    for key in ODD_KEYS:
        store.set(key, "value", 60)
    matching = {key for key in ODD_KEYS if key.startswith(prefix)}
    assert store.clear(prefix) == len(matching)
    assert {key for key in ODD_KEYS if store.get(key) is None} == matching


def test_clear_of_many_records(store: Store) -> None:
    for number in range(505):
        store.set(f"many:{number}", "value", 60)
    assert store.clear("many:") == 505
    assert store.clear("") == 0


def test_expired_records_are_gone_and_make_room(store: Store) -> None:
    for number in range(9):
        store.set(f"old:{number}", "value", 0.2)
    store.set("old:live", "value", 60)
    store.set("old:renewed", "value", 0.2)
    store.set("old:renewed", "value", 60)
    time.sleep(0.25)
    assert [store.get("old:0"), store.pop("old:1")] == [None, None]
    for number in range(11):  # which removes some of the expired ones
        store.set(f"new:{number}", "value", 60)
    assert store.clear("old:") == 2


def test_threads_get_their_own_values(store: Store) -> None:
    def work(number: int) -> bool:
        for turn in range(10):
            store.set(f"key{number}", f"{number} {turn}", 60)
            if (store.get(f"key{number}"), store.pop(f"key{number}")) != (f"{number} {turn}",) * 2:
                return False
        return True

    assert all(in_threads(8, work))


def test_one_of_many_threads_pops_a_record(store: Store) -> None:
    for turn in range(10):
        store.set("key", f"value {turn}", 60)
        popped = in_threads(4, lambda _: store.pop("key"))
        assert [value for value in popped if value] == [f"value {turn}"]


def test_one_of_eight_processes_pops_a_record(store: Store) -> None:
    if isinstance(store, MemoryStore):
        pytest.skip("of one process")
    rounds = 30
    for turn in range(rounds):
        store.set(f"round {turn}", f"value {turn}", 60)
    start = barrier(8)

    def pop_all(number: int) -> list[str | None]:
        values = []
        for turn in range(rounds):
            start.wait(20)
            values.append(store.pop(f"round {turn}"))
        return values

    for turn, values in enumerate(zip(*in_children(8, pop_all), strict=True)):
        assert [value for value in values if value] == [f"value {turn}"]


def test_parent_and_children_use_connections_of_their_own(store: Store) -> None:
    store.set("from the parent", "value", 60)

    def work(number: int) -> bool:
        for turn in range(10):
            store.set(f"{number}", f"{number} {turn}", 60)
            if store.get(f"{number}") != f"{number} {turn}":
                return False
        return store.get("from the parent") == "value"

    assert all(in_children(2, work))
    assert work(9)
    if not isinstance(store, MemoryStore):
        assert [store.get("0"), store.get("1")] == ["0 9", "1 9"]


def test_inherited_connections_are_left_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork that Python does not notice, as uWSGI does it, is noticed by the process id."""
    store.set("key", "of the parent", 60)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        sqlite_connections._after_fork_in_child()
        if isinstance(store, SQLiteStore):
            assert store._connections.close()
        store.set("key", "of the child", 60)
    assert store.get("key") == "of the child"
    if isinstance(store, SQLAlchemyStore):
        assert len(store._inherited) == 2
        for pool in store._inherited:
            pool.dispose()


def test_every_store_is_accepted_as_a_setting(store: Store) -> None:
    assert isinstance(store, Store)
    assert from_setting(store) is store
