"""What must be used once, or end for good: pending logins and grants, in a cachelib cache."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import logging
import math
import os
import secrets
from collections.abc import Iterator
from typing import IO, Any, Literal

from cachelib import BaseCache, FileSystemCache
from cachelib.serializers import FileSystemSerializer

from .errors import ConfigError, StoreUnavailable

logger = logging.getLogger("flask_altdentifier")

Kind = Literal["login", "grant"]


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
        if not self._claims and self._call("delete", "probe", secrets.token_hex(16)):
            raise ConfigError(
                f"{type(cache).__name__} cannot be ALTDENTIFIER_STORE: its delete() says that it "
                "removed what was not there, so a login could be finished twice. Use RedisCache, "
                "FileSystemCache, SimpleCache (one process), MongoDbCache, or MemcachedCache with "
                "a client that waits for replies (pymemcache: default_noreply=False)."
            )

    def put(self, kind: Kind, name: str, record: Any, lifetime: float) -> None:
        """Write *record* for *lifetime* seconds, rounded up."""
        if not self._call("set", kind, name, json.dumps(record), max(1, math.ceil(lifetime))):
            logger.error("The store did not take a %s.", kind)
            raise StoreUnavailable

    def get(self, kind: Kind, name: str) -> Any:
        """Return the record, or None where there is none or it cannot be read."""
        return self._load(self._call("get", kind, name))

    def take(self, kind: Kind, name: str) -> Any:
        """Return the record to one caller only, and remove it; None for all others."""
        if self._claims:
            return self._take_file(kind, name)
        text = self._call("get", kind, name)
        # One caller's delete() removes it. GETDEL would do both, but one that timed out on a
        # stopped Redis still runs when it wakes.
        if text is None or not self._call("delete", kind, name):
            return None
        return self._load(text)

    def drop(self, kind: Kind, name: str) -> None:
        """Remove the record, if it is there."""
        self._call("delete", kind, name)

    def _key(self, kind: str, name: str) -> str:
        return f"{self.namespace}:{kind}:{name}"

    def _call(self, method: str, kind: str, name: str, *values: Any) -> Any:
        with answering(method):
            return getattr(self.cache, method)(self._key(kind, name), *values)

    def _take_file(self, kind: Kind, name: str) -> Any:
        """Claim by a hard link, since the file cache's `delete()` also "removes" missing files."""
        key = self._key(kind, name)
        reader = copy.copy(self.cache)
        reader.serializer = claim = _Claim()  # type: ignore[attr-defined]
        with answering("take"):
            try:
                text = reader.get(key)
                taken = claim.mark is not None and self.cache.delete(key)
            finally:
                claim.release()
        return self._load(text) if taken else None

    @staticmethod
    def _load(text: Any) -> Any:
        """Read JSON text; memcached clients give it back as bytes."""
        try:
            return None if text is None else json.loads(text)
        except (ValueError, TypeError):
            logger.error("A record in the store cannot be read; it counts as none.")
            return None


class _Claim(FileSystemSerializer):
    """Reads a cache file for the one caller that can link it to its mark."""

    # cachelib neither counts nor prunes files with its suffix for unfinished ones.
    suffix = ".taken" + FileSystemCache._fs_transaction_suffix  # noqa: SLF001

    def __init__(self) -> None:
        self.mark: str | None = None

    def load(self, f: IO[bytes]) -> Any:  # type: ignore[override]
        mark = f.name + self.suffix
        try:
            os.link(f.name, mark)
        except (FileExistsError, FileNotFoundError):
            return None  # another caller has claimed it, or has removed it since
        except OSError:  # cachelib would take this for a missing file
            logger.error("The store's directory must be on a file system with hard links.")
            raise StoreUnavailable from None
        self.mark = mark
        return super().load(f)  # type: ignore[arg-type]

    def release(self) -> None:
        """Remove the mark, if this caller has set it."""
        if self.mark is not None:
            os.unlink(self.mark)  # noqa: PTH108


@contextlib.contextmanager
def answering(method: str) -> Iterator[None]:
    """Turn whatever a cache raises into `StoreUnavailable`; its text may hold keys or addresses."""
    try:
        yield
    except StoreUnavailable:
        raise
    except Exception as problem:
        logger.error("The store failed in %s: %s.", method, type(problem).__name__)
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
