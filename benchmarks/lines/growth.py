"""Whether what is in the store already makes requests slower."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

from .. import targets
from ..browser import Browser, call, repeat
from ..lab import Lab, Place, Row
from ..samples import Batch, Samples, interleaved
from .logins import starts
from .views import visits

FEW, MANY = 100, 100_000
VISITS = 30_000
REQUESTS: dict[str, Callable[[Place], Batch]] = {"protected view": visits, "/login": starts}

_COPY = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO altdentifier_records (key, value, expires_at)
SELECT rtrim(key, '0123456789abcdef') || lower(hex(randomblob(32))), value, expires_at + n
FROM (SELECT * FROM altdentifier_records), numbers
"""


def logins(lab: Lab) -> list[Row]:
    """The cost of a request with many logins stored, over that with few."""
    many = lab.amount(MANY, 20_000)
    rows = []
    for store, build, fill in _stores(lab):
        for title, batch in REQUESTS.items():

            def prepare(count: int, batch: Any = batch, build: Any = build, fill: Any = fill) -> Batch:
                place = build("ours")
                Browser(place.app).log_in(place.contender)
                fill(place, count)
                measure: Batch = batch(place)
                return measure

            ratio = _growth(partial(prepare, FEW), partial(prepare, many), lab.amount(40, 6))
            rows.append(_row(f"{title}, {store}: {many:,} logins over {FEW}", ratio))
    return rows


def flood(lab: Lab) -> list[Row]:
    """The cost of /login after many visits to it without a cookie, over that before."""
    many = lab.amount(VISITS, 3_000)

    def prepare(build: Callable[[str], Place], size: int) -> Batch:
        place = build("ours")
        for environ in repeat(Browser(place.app).environ("/login"), size):
            call(place.app, environ)
        return starts(place)

    return [
        _row(
            f"/login, {store}: after {many:,} visits over before",
            _growth(partial(prepare, build, 1), partial(prepare, build, many), lab.amount(40, 6)),
        )
        for store, build, _ in _stores(lab)
    ]


def _stores(lab: Lab) -> list[tuple[str, Callable[[str], Place], Callable[[Place, int], None]]]:
    return [
        ("SQLite", lab.embedded, fill_sqlite),
        ("Redis", lab.on_redis, partial(fill_redis, lab)),
    ]


def _growth(before: Callable[[], Batch], after: Callable[[], Batch], rounds: int) -> Samples:
    taken = interleaved({"before": before, "after": after}, rounds)
    if taken.failed:
        return Samples(failed={"ours": next(iter(taken.failed.values()))})
    return Samples({"ours": [taken.ratio("after", "before")]})


def _row(title: str, samples: Samples) -> Row:
    return Row(title, samples, (targets.at_most(1.1),), exact=True)


def fill_sqlite(place: Place, count: int) -> None:
    """Copy each record of the default store under *count* random names that are as long."""
    path = place.directory / "instance/altdentifier.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(_COPY, (count,))
        connection.commit()


def fill_redis(lab: Lab, place: Place, count: int) -> None:
    """Copy each record of the Redis database under *count* random names that are as long."""
    client = lab.redis.client(place.database)
    pipeline = client.pipeline(transaction=False)
    for key in list(client.scan_iter()):
        stem, _, name = key.rpartition(b":")
        value, lifetime = client.get(key), client.ttl(key)
        for number in range(count):
            copy = secrets.token_hex(len(name)).encode()[: len(name)]
            pipeline.set(stem + b":" + copy, value, ex=lifetime)
            if number % 1000 == 0:
                pipeline.execute()
    pipeline.execute()
