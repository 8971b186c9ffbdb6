"""Records: JSON values in the store, each with a kind and a name.

Each record repeats its kind and key, because a client that is not thread-safe can return the record
that another request has read. A record with another kind or key counts as missing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar

from .errors import StoreUnavailable
from .stores import Store

logger: logging.Logger = logging.getLogger("flask_altdentifier")

T = TypeVar("T")
#: A `return` record keeps the `next` of a finished login, for a callback that arrives twice.
RecordKind = Literal["grant", "pending", "return", "session"]
#: A kind, a name, JSON data, and the seconds after which the record expires.
Record: TypeAlias = tuple[RecordKind, str, Any, float]

# json.dumps() would create an encoder at each call.
_to_json = json.JSONEncoder(separators=(",", ":")).encode


class Records:
    """The records of one app, in one request or command.

    Any exception of the store becomes `StoreUnavailable`. After one failure, this object does not
    call the store again, so that a visitor does not wait for several timeouts.
    """

    def __init__(self, get_store: Callable[[], Store], key_prefix: str) -> None:
        """Use the store that *get_store* returns. Each key starts with *key_prefix*."""
        self._get_store = get_store
        self._key_prefix = key_prefix
        #: Whether the store has failed.
        self.failed: bool = False
        #: Whether the app has seen the failure, as a `StoreUnavailable`.
        self.error_reported: bool = False

    def get(self, kind: RecordKind, name: str, parse: Callable[[Any], T]) -> T | None:
        """Return a record's data, converted by *parse*. None if it is missing or damaged.

        Raises `StoreUnavailable`.
        """
        key = self.key(kind, name)
        return _read(self._call("get", key), kind, key, parse)

    def set(self, kind: RecordKind, name: str, data: Any, ttl: float) -> None:
        """Write a record that expires after *ttl* seconds. Raises `StoreUnavailable`."""
        self._call("set", *self._serialize(kind, name, data, ttl))

    def set_all(self, *records: Record) -> None:
        """Write several records, in one round trip if the store can. Raises `StoreUnavailable`."""
        serialized = [self._serialize(*record) for record in records]
        # A wrapper with `__getattr__` may encrypt in `set`, but would pass `set_records` on.
        if len(serialized) > 1 and hasattr(type(self._get_store()), "set_records"):
            self._call("set_records", serialized)
        else:
            for record in serialized:
                self._call("set", *record)

    def pop(self, kind: RecordKind, name: str, parse: Callable[[Any], T]) -> T | None:
        """Atomically delete a record and return its data as `get` does.

        Of many callers, one gets the data. Raises `StoreUnavailable`.
        """
        key = self.key(kind, name)
        return _read(self._call("pop", key), kind, key, parse)

    def delete(self, kind: RecordKind, name: str) -> None:
        """Delete a record. Raises `StoreUnavailable` if it may still exist."""
        self._call("delete", self.key(kind, name))

    def clear(self, kind: RecordKind) -> int:
        """Delete all records of one kind and return how many. Raises `StoreUnavailable`."""
        return int(self._call("clear", self.key(kind, "")))

    def key(self, kind: RecordKind, name: str) -> str:
        """Return the key of a record in the store."""
        return f"{self._key_prefix}{kind}:{name}"

    def _serialize(
        self, kind: RecordKind, name: str, data: Any, ttl: float
    ) -> tuple[str, str, float]:
        key = self.key(kind, name)
        return key, _to_json({"kind": kind, "key": key, "data": data}), ttl

    def _call(self, method: str, *arguments: Any) -> Any:
        if not self.failed:
            store = self._get_store()  # its ConfigError is not a failure of the store
            try:
                return getattr(store, method)(*arguments)
            except Exception as error:
                # Only the class: the text may contain keys, addresses or passwords.
                logger.error("store_unavailable (cause %s in %s)", type(error).__name__, method)
        self.failed = self.error_reported = True
        raise StoreUnavailable


def _read(value: Any, kind: RecordKind, key: str, parse: Callable[[Any], T]) -> T | None:
    if value is None:
        return None
    try:
        record = json.loads(value)
        if record["kind"] == kind and record["key"] == key:
            return parse(record["data"])
    except Exception:
        # Damaged, or written by another version. It must not cause a 500 on every request.
        logger.error("A record in the store is damaged. It counts as missing.")
        return None
    logger.error("The store returned the record of another key. It counts as missing.")
    return None
