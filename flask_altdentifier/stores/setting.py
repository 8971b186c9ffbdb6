"""Converts the value of `ALTDENTIFIER_STORE` to a store."""

from __future__ import annotations

import sys
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from .base import Store
from .memory import MemoryStore

METHODS = ("get", "set", "pop", "delete", "clear")
_ACCEPTED = (
    "Accepted are sqlite:///path, redis://..., memory://, a URL of SQLAlchemy such as "
    "postgresql+pg8000://..., a Redis client and a SQLAlchemy engine. Also accepted is any object "
    f"with the methods {', '.join(METHODS)}."
)


def from_setting(value: object) -> Store:
    """Return the store for a value of `ALTDENTIFIER_STORE`. Does not connect or open anything.

    Args:
        value: A URL, a `redis.Redis`, a `redis.RedisCluster`, a SQLAlchemy `Engine`, or an object
            with the five methods of `Store`.

    Raises:
        ValueError: *value* is none of these. The message says how to fix it. It quotes only the
            scheme of a URL, because the rest may contain a password.

    Example::

        store = from_setting("redis://localhost:6379/0")
    """
    if isinstance(value, str):
        return _from_url(value)
    if _is_instance(value, "redis", "Redis") or _is_instance(value, "redis", "RedisCluster"):
        from .redis import RedisStore

        return RedisStore(cast("Any", value))
    if _is_instance(value, "sqlalchemy", "Engine"):
        from .sqlalchemy import SQLAlchemyStore

        return SQLAlchemyStore(cast("Any", value))
    return _own_store(value)


def _is_instance(value: object, module: str, name: str) -> bool:
    """Return whether *value* is of the class *name*. Without its *module*, no instance exists."""
    cls = getattr(sys.modules.get(module), name, None)
    return cls is not None and isinstance(value, cls)


def _own_store(value: object) -> Store:
    missing = [name for name in METHODS if not callable(getattr(value, name, None))]
    if isinstance(value, type):
        raise ValueError(f"is the class {value.__name__}, not an object. {_ACCEPTED}")
    if missing:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise ValueError(f"is a {kind}, which lacks {', '.join(missing)}. {_ACCEPTED}")
    return cast("Store", value)


def _from_url(url: str) -> Store:
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError(f"is not a URL. A path is written sqlite:///path. {_ACCEPTED}")
    if scheme == "memory":
        if rest:
            raise ValueError("must be memory:// alone.")
        return MemoryStore()
    if scheme == "sqlite":
        return _sqlite_store(url)
    if scheme in {"redis", "rediss", "unix"}:
        return _redis_store(url)
    return _sqlalchemy_store(scheme, url)


def _sqlite_store(url: str) -> Store:
    """Read the path as SQLAlchemy does: relative after three slashes, absolute after four."""
    from .sqlite import SQLiteStore

    parts = urlsplit(url)
    path = unquote(parts.path[1:])
    if parts.netloc or parts.query or parts.fragment or path in {"", ":memory:"}:
        raise ValueError(
            "must be sqlite:///relative/path or sqlite:////absolute/path, with %3F for a question "
            "mark and %23 for a number sign. For tests, use memory://."
        )
    return SQLiteStore(path)


def _redis_store(url: str) -> Store:
    from .redis import RedisStore

    try:
        return RedisStore.from_url(url)
    except ImportError:
        raise ValueError(
            "needs the redis package: pip install 'flask-altdentifier[redis]'."
        ) from None
    except (ValueError, TypeError):  # whose message may contain a part of the password
        raise ValueError(
            "cannot be parsed. An example is redis://user:password@host:6379/0. Special characters "
            "in a password are percent-encoded."
        ) from None


def _sqlalchemy_store(scheme: str, url: str) -> Store:
    try:
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError

        from .sqlalchemy import SQLAlchemyStore
    except ImportError:
        raise ValueError(
            f"has the scheme {scheme!r}, which needs the sqlalchemy package: "
            "pip install 'flask-altdentifier[sqlalchemy]'."
        ) from None
    try:
        return SQLAlchemyStore.from_url(url)
    except ImportError as error:
        raise ValueError(
            f"needs the database driver {error.name!r}. Install it, or name another one, as in "
            "postgresql+pg8000:// or mysql+pymysql://."
        ) from None
    except NoSuchModuleError:
        raise ValueError(f"has the unknown scheme {scheme!r}. {_ACCEPTED}") from None
    except (ArgumentError, ValueError, TypeError):  # whose message may contain the URL
        raise ValueError(
            "cannot be parsed. An example is postgresql+pg8000://user:password@host/database. "
            "Special characters in a password are percent-encoded."
        ) from None
