"""Whether what is in the store already makes requests slower."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from .. import targets
from ..browser import Browser, call, repeat
from ..lab import Lab, Place, Row
from ..samples import Batch, Samples, interleaved
from .logins import starts
from .views import visits

FEW, MANY = 100, 100_000
VISITS = 30_000
REQUESTS: dict[str, Callable[[Place], Batch]] = {"protected view": visits, "/login": starts}


@dataclass(frozen=True)
class Store:
    """One kind of store: how to build an app on it, and how to fill it."""

    title: str
    build: Callable[[str], Place]
    fill: Callable[[Place, int], None]


_COPY = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO altdentifier_records (key, value, expires_at)
SELECT rtrim(key, '0123456789abcdef') || lower(hex(randomblob(32))), value, expires_at + n
FROM (SELECT * FROM altdentifier_records), numbers
"""


def logins(lab: Lab) -> list[Row]:
    """The cost of a request with many logins stored, over that with few."""
    many = lab.amount(MANY, 20_000)

    def prepare(store: Store, batch: Callable[[Place], Batch], count: int) -> Batch:
        place = store.build("ours")
        Browser(place.app).log_in(place.contender)
        store.fill(place, count)
        return batch(place)

    rows = []
    for store in _stores(lab):
        for title, batch in REQUESTS.items():
            few = partial(prepare, store, batch, FEW)
            ratio = _growth(few, partial(prepare, store, batch, many), lab.amount(40, 6))
            rows.append(_row(f"{title}, {store.title}: {many:,} logins over {FEW}", ratio))
    return rows


def flood(lab: Lab) -> list[Row]:
    """The cost of /login after many visits to it without a cookie, over that before."""
    many = lab.amount(VISITS, 3_000)

    def prepare(store: Store, count: int) -> Batch:
        place = store.build("ours")
        for environ in repeat(Browser(place.app).environ("/login"), count):
            call(place.app, environ)
        return starts(place)

    rows = []
    for store in _stores(lab):
        before, after = partial(prepare, store, 1), partial(prepare, store, many)
        ratio = _growth(before, after, lab.amount(40, 6))
        rows.append(_row(f"/login, {store.title}: after {many:,} visits over before", ratio))
    return rows


def _stores(lab: Lab) -> list[Store]:
    return [
        Store("SQLite", lab.embedded, fill_sqlite),
        Store("Redis", lab.on_redis, partial(fill_redis, lab)),
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
