"""What a request on Redis cannot cost less than, because it has to ask Redis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .lab import Lab
from .lines.views import visits
from .report import table
from .samples import Batch, interleaved

VALUE = "x" * 400


def fields(lab: Lab) -> dict[str, str]:
    """Measure, and return the field of the page's template."""
    ours, peer, client = lab.on_redis("ours"), lab.on_redis("authlib"), lab.redis.client()
    get = partial(client.get, "key")
    put = partial(client.set, "key", VALUE, ex=600)
    put()
    steps: dict[str, list[Callable[[], object]]] = {
        "/get": [get],
        "/set": [put],
        "/set-set": [put, put],
        "/get-set": [get, put],
    }
    for path, commands in steps.items():
        ours.app.add_url_rule(path, path, partial(_run, commands))
    parts: dict[str, Callable[[], Batch]] = {
        "Authlib's protected view, the best peer": partial(visits, peer),
        "our protected view": partial(visits, ours),
        "an open view that does nothing": partial(visits, ours, "/public"),
        "an open view that sends `GET`": partial(visits, ours, "/get"),
        "an open view that sends `GET` and `SET`": partial(visits, ours, "/get-set"),
        "an open view that sends `SET`": partial(visits, ours, "/set"),
        "an open view that sends `SET` twice": partial(visits, ours, "/set-set"),
    }
    samples = interleaved(parts, lambda part: parts[part](), lab.amount(60, 6))
    best = next(iter(parts))
    lines = [[p, f"{samples.median(p):.0f}", f"{samples.ratio(p, best):.2f}"] for p in parts]
    return {"limits": table(["on Redis, by redis-py", "µs", "of the best peer"], lines)}


def _run(commands: list[Callable[[], object]]) -> str:
    for command in commands:
        command()
    return ""
