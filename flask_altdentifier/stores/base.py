"""The protocol of all stores: short-lived text records that all workers share."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

#: Sorts after every key that begins with the same text, because keys are printable ASCII.
AFTER_KEYS = "\x7f"


@runtime_checkable
class Store(Protocol):
    """Keep text records that expire, for all workers of an app.

    Keys are printable ASCII of at most 200 characters. Values are text of at most 1 MB. Many
    threads and processes can call all methods at once. A store is created before the server forks,
    so it must open nothing until its first use in each process.

    A method that cannot do its job raises. It never returns "no record" for "no answer", because a
    failed logout must not look like a finished one. Any exception becomes a 503 `StoreUnavailable`,
    and only the exception's class is logged.

    A store may also have a method `set_records(records)`, which writes several records in one round
    trip. *records* is a list of tuples with the arguments of `set`.

    Example::

        class DictStore:
            def __init__(self) -> None:
                self._records: dict[str, tuple[str, float]] = {}

            def get(self, key: str) -> str | None:
                value, expires_at = self._records.get(key, ("", 0.0))
                return value if time.time() < expires_at else None

            ...  # set, pop, delete and clear

        app.config["ALTDENTIFIER_STORE"] = DictStore()
    """

    def get(self, key: str) -> str | None:
        """Return the value of the record, or None if there is none or it has expired."""
        ...

    def set(self, key: str, value: str, ttl: float) -> None:
        """Create or overwrite the record. It expires after *ttl* seconds."""
        ...

    def pop(self, key: str) -> str | None:
        """Atomically delete the record and return its value: of many callers, one gets it.

        Returns None if there is no record or it has expired.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete the record, if there is one. Return only once it is gone."""
        ...

    def clear(self, prefix: str) -> int:
        """Delete all records whose keys start with *prefix*, and return how many were deleted.

        No character of *prefix* is a wildcard. Expired records do not count.
        """
        ...
