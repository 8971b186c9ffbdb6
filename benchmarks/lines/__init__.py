"""The lines of the table, by the name that `--only` takes."""

from __future__ import annotations

from ..lab import Line
from . import logins, sizes, views, workers

LINES: dict[str, Line] = {
    "protected": views.protected,
    "protected-redis": views.protected_redis,
    "redis-commands": views.redis_commands,
    "public": views.public,
    "scale": views.scale,
    "login": logins.login,
    "callback": logins.callback,
    "callback-50ms": logins.callback_far_away,
    "connections": logins.connections,
    "import": sizes.imports,
    "footprint": sizes.footprint,
    "pending": sizes.pending,
    "gunicorn": workers.gunicorn,
}
