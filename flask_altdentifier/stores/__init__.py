"""The store, which keeps records for all workers: the protocol `Store` and its implementations.

Importing this package imports neither `sqlite3` nor redis-py nor SQLAlchemy. Each store is imported
at the first use of its name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .base import Store as Store
from .memory import MemoryStore as MemoryStore
from .setting import from_setting as from_setting

if TYPE_CHECKING:
    from .redis import RedisStore as RedisStore
    from .sqlalchemy import SQLAlchemyStore as SQLAlchemyStore
    from .sqlite import SQLiteStore as SQLiteStore
else:
    _MODULES = {"RedisStore": "redis", "SQLAlchemyStore": "sqlalchemy", "SQLiteStore": "sqlite"}

    def __getattr__(name: str) -> type:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_MODULES[name]}", __name__), name)


__all__ = [
    "MemoryStore",
    "RedisStore",
    "SQLAlchemyStore",
    "SQLiteStore",
    "Store",
    "from_setting",
]
