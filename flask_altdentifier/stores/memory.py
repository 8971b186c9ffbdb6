"""Records in the memory of one process."""

from __future__ import annotations

import heapq
import threading
import time
from collections import defaultdict
from typing import NamedTuple


class _Record(NamedTuple):
    value: str
    expires_at: float


class MemoryStore:
    """Keep records in this process, for tests. Other workers do not see them.

    Records expire by `time.time()`, as `Grant.expires_at` does. Tests that move the clock with
    freezegun or time-machine see logins expire.

    Example::

        app.config["ALTDENTIFIER_STORE"] = MemoryStore()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}
        # Keys by the second in which they expire, and a heap of these seconds. A heap of keys would
        # grow with every overwritten record.
        self._expiring: defaultdict[int, set[str]] = defaultdict(set)
        self._seconds: list[int] = []

    def get(self, key: str) -> str | None:
        """Return the value of the record, or None if there is none or it has expired."""
        with self._lock:
            return _live_value(self._records.get(key))

    def set(self, key: str, value: str, ttl: float) -> None:
        """Create or overwrite the record. It expires after *ttl* seconds."""
        with self._lock:
            self._remove(key)
            self._remove_expired()
            self._add(key, _Record(value, time.time() + ttl))

    def pop(self, key: str) -> str | None:
        """Atomically delete the record and return its value, or None if there is none."""
        with self._lock:
            return _live_value(self._remove(key))

    def delete(self, key: str) -> None:
        """Delete the record, if there is one."""
        with self._lock:
            self._remove(key)

    def clear(self, prefix: str) -> int:
        """Delete all records whose keys start with *prefix*, and return how many were live."""
        with self._lock:
            removed = [self._remove(key) for key in [*self._records] if key.startswith(prefix)]
        return sum(_live_value(record) is not None for record in removed)

    def _add(self, key: str, record: _Record) -> None:
        second = int(record.expires_at)
        if second not in self._expiring:
            heapq.heappush(self._seconds, second)
        self._expiring[second].add(key)
        self._records[key] = record

    def _remove(self, key: str) -> _Record | None:
        record = self._records.pop(key, None)
        if record is not None:
            self._expiring[int(record.expires_at)].discard(key)
        return record

    def _remove_expired(self) -> None:
        """Remove a few of the expired records, so that no call pays for all of them."""
        for _ in range(3):
            if not self._seconds or self._seconds[0] >= int(time.time()):
                return
            keys = self._expiring[self._seconds[0]]
            if keys:
                del self._records[keys.pop()]
            else:
                del self._expiring[heapq.heappop(self._seconds)]


def _live_value(record: _Record | None) -> str | None:
    return record.value if record is not None and time.time() < record.expires_at else None
