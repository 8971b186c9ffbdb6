"""What must be used once, or end for good: pending logins and grants, in a cachelib cache."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import math
import os
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Literal, TypeVar

from cachelib import BaseCache, FileSystemCache
from cachelib.serializers import FileSystemSerializer

from .errors import ConfigError, StoreUnavailable

logger: logging.Logger = logging.getLogger("flask_altdentifier")

Kind = Literal["login", "grant", "refreshed", "refreshing", "ticket", "probe"]
#: Seconds that a worker may take to try a store out.
_PROBED = 60
T = TypeVar("T")


class Store:
    """Records of JSON values in a cache that all workers share, each with an end of its own.

    Whatever a cache raises becomes `StoreUnavailable`, and so does a write that it does not take.
    """

    def __init__(self, cache: BaseCache, namespace: str) -> None:
        """Keep records in *cache*, under keys that begin with *namespace*.

        Raises `ConfigError` where `delete()` cannot tell whether it removed something: then a
        state could be used twice. Raises `StoreUnavailable` where the cache does not answer.
        """
        self.cache = cache
        self.namespace = namespace
        self._claims = isinstance(cache, FileSystemCache)
        if not self._claims and not self._can_tell():
            raise ConfigError(
                f"{type(cache).__name__} cannot be ALTDENTIFIER_STORE: its delete() does not tell "
                "whether it removed something, and a login must be finished once. Use RedisCache, "
                "FileSystemCache, SimpleCache (one process), MongoDbCache, or MemcachedCache with "
                "a client that waits for replies (pymemcache: default_noreply=False)."
            )

    def _can_tell(self) -> bool:
        """Tell whether `delete()` says what it did, of what is not there and of what is."""
        name = secrets.token_hex(16)
        if self._call("delete", "probe", name):
            return False
        try:
            self.put("probe", name, True, _PROBED)
        except StoreUnavailable:
            return True  # full: what is in it can be read all the same
        return bool(self._call("delete", "probe", name))

    def put(self, kind: Kind, name: str, record: Any, lifetime: float) -> None:
        """Write *record* for at least *lifetime* seconds; who reads it knows the exact end."""
        # Caches round the end down to a whole second, and take 0 for one that never comes.
        seconds = max(1, math.ceil(lifetime) + 1)
        if not self._call("set", kind, name, json.dumps(record), seconds):
            logger.error("store_unavailable: the store did not take a %s.", kind)
            raise StoreUnavailable

    def get(self, kind: Kind, name: str, read: Callable[[Any], T]) -> T | None:
        """Return what *read* makes of the record; None where there is none or it is broken."""
        return _load(self._call("get", kind, name), read)

    def take(self, kind: Kind, name: str, read: Callable[[Any], T]) -> T | None:
        """Return the record to one caller only, and remove it; None for all others."""
        text = self._take_file(kind, name) if self._claims else self._take(kind, name)
        return _load(text, read)

    def drop(self, kind: Kind, name: str) -> None:
        """Remove the record, if it is there."""
        # The file cache says that it removed what was not there, and no only where it could not.
        if not self._call("delete", kind, name) and self._claims:
            raise StoreUnavailable

    def _key(self, kind: str, name: str) -> str:
        return f"{self.namespace}:{kind}:{name}"

    def _call(self, method: str, kind: str, name: str, *values: Any) -> Any:
        with store_errors(method):
            return getattr(self.cache, method)(self._key(kind, name), *values)

    def _take(self, kind: Kind, name: str) -> Any:
        """Claim by delete(), which removes a record for one caller only.

        Redis's GETDEL would do both, but one that timed out on a stopped server still runs when
        it wakes, and the state is gone.
        """
        text = self._call("get", kind, name)
        return text if text is not None and self._call("delete", kind, name) else None

    def _take_file(self, kind: Kind, name: str) -> Any:
        """Claim by a hard link, since the file cache's `delete()` also "removes" missing files."""
        key = self._key(kind, name)
        reader = copy.copy(self.cache)
        reader.serializer = claim = _Claim()  # type: ignore[attr-defined]
        with store_errors("take"):
            try:
                text = reader.get(key)
                if claim.mark is None:
                    return None
                if not self.cache.delete(key):
                    raise StoreUnavailable
            finally:
                claim.release()
        return text


class _Claim(FileSystemSerializer):
    """Reads a cache file for the one caller that can link it to its mark."""

    # cachelib neither counts nor prunes files with its suffix for unfinished ones.
    suffix = ".taken" + FileSystemCache._fs_transaction_suffix  # noqa: SLF001

    def __init__(self) -> None:
        self.mark: str | None = None

    def load(self, f: BinaryIO) -> Any:
        mark = f.name + self.suffix
        try:
            os.link(f.name, mark)
        except (FileExistsError, FileNotFoundError):
            return None  # another caller has claimed it, or has removed it since
        except OSError:  # cachelib would take this for a missing file
            logger.error("store_unavailable: its directory needs a file system with hard links.")
            raise StoreUnavailable from None
        self.mark = mark
        return super().load(f)

    def release(self) -> None:
        """Remove the mark, if this caller has set it."""
        if self.mark is not None:
            os.unlink(self.mark)  # noqa: PTH108


def _load(text: Any, read: Callable[[Any], T]) -> T | None:
    """Read JSON text, which memcached clients give back as bytes."""
    try:
        record = None if text is None else json.loads(text)
        return None if record is None else read(record)
    except Exception:
        # Tampered with, or another version's. It must not be a 500 on each request.
        logger.error("A record in the store cannot be read; it counts as none.")
        return None


class store_errors:  # noqa: N801
    """Turn whatever a cache raises into `StoreUnavailable`; its text may hold keys or addresses.

    A class, since a generator takes four times as long, on each request.
    """

    def __init__(self, method: str) -> None:
        self.method = method

    def __enter__(self) -> None: ...

    def __exit__(
        self, _: type[BaseException] | None, problem: BaseException | None, __: TracebackType | None
    ) -> None:
        if isinstance(problem, Exception) and not isinstance(problem, StoreUnavailable):
            logger.error("store_unavailable: %s in %s.", type(problem).__name__, self.method)
            raise StoreUnavailable from None


def namespace(client_id: str, session_prefix: str) -> str:
    """Return what our keys begin with.

    Raises `ConfigError` for a session prefix that they begin with: then a session cookie could
    name one of our records, and Flask-Session would read it.
    """
    digest = hashlib.sha256(f"{client_id}\0{session_prefix}".encode()).hexdigest()[:16]
    name = f"altdentifier:{digest}"
    if name.startswith(session_prefix):
        raise ConfigError(
            f"SESSION_KEY_PREFIX is {session_prefix!r}, which logins in the store begin with too, "
            "so a session cookie could name one. Leave it out, or set another."
        )
    return name


def hashed(secret: str) -> str:
    """Return the name under which a record of *secret* is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()
