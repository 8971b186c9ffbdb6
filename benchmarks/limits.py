"""What a request stands on, each part alone: what no package could leave out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time

from flask import Flask, Response

from .browser import OK, Browser, call
from .lab import Lab
from .lines.views import BATCH, visits
from .report import table
from .samples import Batch, interleaved

GRANT = "x" * 300
_RESPONSE = Response()


def fields(lab: Lab) -> dict[str, str]:
    """Measure, and return the field of the page's template."""
    place, client = lab.on_redis("ours"), lab.redis.client(0)
    client.set("grant", GRANT)
    parts: dict[str, Callable[[], Batch]] = {
        "the protected view, Redis, whole": partial(visits, place),
        "a view that does nothing, same cookies": partial(visits, place, "/public"),
        "one `GET` by redis-py": lambda: _repeated(partial(client.get, "grant")),
        "one `SET` by redis-py": lambda: _repeated(partial(client.set, "other", GRANT, ex=60)),
        "one `Set-Cookie`": lambda: _repeated(_set_cookie),
        "one file written by cachelib": lambda: _written(lab),
    }
    samples = interleaved(parts, lab.amount(40, 6))
    lines = [[part, f"{samples.median(part):.0f}"] for part in samples.values]
    return {"limits": table(["alone", "µs"], lines)}


def _repeated(work: Callable[[], object]) -> Batch:
    app = Flask(__name__)

    @app.get("/")
    def nothing() -> str:
        return ""

    environ = Browser(app).environ("/")

    def batch() -> float:
        took = 0.0
        for _ in range(BATCH):
            # Between requests, because in a loop the CPU's caches make it faster than it is.
            status, _headers = call(app, environ.copy())
            started = process_time()
            work()
            took += process_time() - started
        return took / BATCH * 1e6 if status in OK else float("nan")

    return batch


def _set_cookie() -> None:
    _RESPONSE.headers.clear()
    _RESPONSE.set_cookie("session", "x" * 43, path="/", secure=True, httponly=True, samesite="Lax")


def _written(lab: Lab) -> Batch:
    cache = lab.embedded("floor").app.config["SESSION_CACHELIB"]
    return _repeated(partial(cache.set, "session", {"grant": GRANT}, 60))
