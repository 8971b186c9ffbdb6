"""The lines of the table, by the name that `--only` takes."""

from __future__ import annotations

from ..lab import Line
from . import growth, logins, sizes, views

LINES: dict[str, Line] = {
    "protected": views.protected,
    "protected-redis": views.protected_redis,
    "redis-commands": views.redis_commands,
    "postgres": views.postgres,
    "public": views.public,
    "login": logins.login,
    "callback": logins.callback,
    "callback-50ms": logins.callback_far_away,
    "connections": logins.connections,
    "import": sizes.imports,
    "bytes": sizes.footprint,
    "growth": growth.logins,
    "flood": growth.flood,
}
