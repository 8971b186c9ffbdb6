"""Whether what is in the store already makes requests slower."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask_altdentifier.stores import RedisStore, SQLiteStore, Store

from ..browser import Browser, call, repeat
from ..lab import Lab, Place
from ..rows import Row, at_most
from ..samples import Batch, Samples, interleaved
from .logins import starts
from .views import visits

FEW, MANY = 100, 100_000
VISITS = 30_000


def logins(lab: Lab) -> list[Row]:
    """The cost of a request with many logins stored, over that with few."""
    many = lab.amount(MANY, 20_000)
    rows = []
    for title, open_store in _stores(lab).items():
        few_places, many_places = (_filled(lab, open_store(), n) for n in (FEW, many))
        for request, batch in {"protected view": visits, "/login": starts}.items():
            ratio = _growth(lab, few_places, many_places, batch)
            rows.append(_row(f"{request}, {title}: {many:,} logins over {FEW}", ratio))
    return rows


def flood(lab: Lab) -> list[Row]:
    """The cost of /login after many visits to it without a cookie, over that before."""
    many = lab.amount(VISITS, 3_000)
    rows = []
    for title, open_store in _stores(lab).items():
        new, flooded = (lab.build("ours", {"ALTDENTIFIER_STORE": open_store()}) for _ in range(2))
        for environ in repeat(Browser(flooded).environ("/login"), many):
            call(flooded.app, environ)
        ratio = _growth(lab, new, flooded, starts)
        rows.append(_row(f"/login, {title}: after {many:,} visits over before", ratio))
    return rows


def _stores(lab: Lab) -> dict[str, Callable[[], Store]]:
    def redis() -> Store:
        return RedisStore(lab.redis.client(next(lab.databases)))

    return {
        "SQLite": lambda: SQLiteStore(lab.new_directory() / "store.sqlite3"),
        "Redis": redis,
    }


def _filled(lab: Lab, store: Any, count: int) -> Place:
    """Return an app on a store with *count* records that are as long as grants."""
    for _ in range(count):
        key = f"altdentifier:{secrets.token_hex(8)}:grant:{secrets.token_hex(32)}"
        store.set(key, "x" * 400, 604_800)
    return lab.build("ours", {"ALTDENTIFIER_STORE": store})


def _growth(lab: Lab, before: Place, after: Place, batch: Callable[[Place], Batch]) -> float:
    places = {"before": before, "after": after}
    samples = interleaved(places, lambda name: batch(places[name]), lab.amount(40, 6))
    return samples.ratio("after", "before")


def _row(title: str, ratio: float) -> Row:
    return Row(title, Samples(ours=[ratio]), (at_most(1.1),), compare=False)
