"""What a request on Redis consists of, each part alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time

from werkzeug.http import dump_cookie

from .lab import Lab
from .lines.views import BATCH, visits
from .report import table
from .samples import Batch, interleaved

VALUE = "x" * 400


def fields(lab: Lab) -> dict[str, str]:
    """Measure, and return the field of the page's template."""
    place, client = lab.on_redis("ours"), lab.redis.client()
    client.set("grant", VALUE)
    cookie = partial(dump_cookie, "session", "x" * 43, secure=True, httponly=True, samesite="Lax")
    parts: dict[str, Callable[[], Batch]] = {
        "our protected view on Redis": partial(visits, place),
        "a view that does nothing, same visitor": partial(visits, place, "/public"),
        "`GET` by redis-py": partial(_loop, partial(client.get, "grant")),
        "`SET` by redis-py": partial(_loop, partial(client.set, "other", VALUE, ex=60)),
        "`Set-Cookie`": partial(_loop, cookie),
    }
    samples = interleaved(parts, lambda part: parts[part](), lab.amount(50, 6))
    return {
        "limits": table(["", "µs"], [[part, f"{samples.median(part):.0f}"] for part in samples])
    }


def _loop(work: Callable[[], object]) -> Batch:
    def batch() -> float:
        started = process_time()
        for _ in range(BATCH):
            work()
        return (process_time() - started) / BATCH * 1e6

    return batch
