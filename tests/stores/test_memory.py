"""What `MemoryStore` keeps, and for how long."""

from __future__ import annotations

import time

import pytest

from flask_altdentifier.stores import MemoryStore


def test_expired_records_are_removed_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    store = MemoryStore()
    for number in range(10):
        store.set(f"old:{number}", "value", 60)
    store.delete("old:0")
    now += 62
    sizes = []
    for number in range(5):
        store.set(f"new:{number}", "value", 60)
        sizes.append(len(store._records))
    assert sizes == [7, 5, 3, 4, 5]


def test_overwritten_records_leave_nothing_behind() -> None:
    store = MemoryStore()
    for ttl in range(100):
        store.set("key", "value", 60 + ttl / 100)
    assert len(store._records) == 1
    assert sum(map(len, store._expiring.values())) == 1
    assert len(store._seconds) <= 3


def test_record_lives_until_its_moment_not_its_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.25)
    store = MemoryStore()
    store.set("a", "1", 0.5)
    store.set("b", "2", 0.5)
    assert (store.get("a"), store.get("b")) == ("1", "2")
