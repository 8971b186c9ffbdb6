"""What a request of somebody who is logged in costs."""

from __future__ import annotations

from functools import partial
from typing import Any

from .. import targets
from ..browser import OK, Browser, timed
from ..contenders import NAMES
from ..fill import fill
from ..lab import Lab, Place, Row
from ..samples import Batch, Samples, interleaved, once
from ..targets import Target

#: What an app may keep in the session of somebody who is logged in.
KEPT = {"nothing": False, "something": True}


def protected(lab: Lab) -> list[Row]:
    """A protected view, everything in this process."""
    rivals = ("flask_dance", "flask_discord", "flask_login")
    bounds = (targets.of_floor(1.2), targets.of_peers(1.0, *rivals))
    return [
        Row(
            f"protected view, in memory, the app keeps {what} in the session",
            "µs CPU",
            _in_turn(lab, "/protected", keep=keep),
            bounds,
        )
        for what, keep in KEPT.items()
    ]


def public(lab: Lab) -> list[Row]:
    """A view that has nothing to do with logins, with somebody logged in and a session."""
    samples = _in_turn(lab, "/public", keep=True)
    return [
        Row("unrelated public view, in memory", "µs CPU", samples, (targets.of_floor(1.02),)),
    ]


def protected_redis(lab: Lab) -> list[Row]:
    """A protected view, everything in Redis: as documented, and where nobody writes sessions."""
    size, rounds = lab.amount(200, 50), lab.amount(30, 6)

    def row(title: str, what: str, bounds: tuple[Target, ...], **config: Any) -> Row:
        def prepare(name: str) -> Batch:
            return _visits(lab.in_redis(name, **config), "/protected", size, keep=KEPT[what])

        samples = interleaved({name: partial(prepare, name) for name in NAMES}, rounds)
        title = f"protected view, Redis, {title}, the app keeps {what} in the session"
        return Row(title, "µs CPU", samples, bounds)

    unwritten = {"SESSION_REFRESH_EACH_REQUEST": False}
    return [
        *(row("as documented", what, (targets.of_peers(0.90),)) for what in KEPT),
        *(row("no session written by any", what, (), **unwritten) for what in KEPT),
    ]


def redis_commands(lab: Lab) -> list[Row]:
    """What Redis is asked for one request."""
    rows = []
    for title, url, keep, bound in (
        ("protected view, the app keeps nothing in the session", "/protected", False, (1, 0)),
        ("protected view, the app keeps something there", "/protected", True, (2, 0)),
        ("public view, the app keeps something there", "/public", True, (1, 0)),
    ):
        counts = once(NAMES, partial(_commands, lab, url=url, keep=keep))
        rows += [
            Row(f"Redis {kind}, {title}", "", samples, (targets.at_most(most),), exact=True)
            for kind, samples, most in zip(("reads", "writes"), counts, bound, strict=True)
        ]
    return rows


def scale(lab: Lab) -> list[Row]:
    """A protected view while few and while many others are logged in, all in Redis."""
    few, many = 100, lab.amount(100_000, 20_000)
    size, rounds = lab.amount(200, 50), lab.amount(40, 10)

    def prepare(name: str, logins: int, database: int) -> Batch:
        place = lab.in_redis(name, database)
        batch = _visits(place, "/protected", size)
        fill(lab.redis.client(database), logins)
        return batch

    cases = [(name, logins) for name in ("ours", "floor") for logins in (few, many)]
    taken = interleaved(
        {
            f"{name} {logins}": partial(prepare, name, logins, database)
            for database, (name, logins) in enumerate(cases, start=len(NAMES))
        },
        rounds,
    )
    samples = Samples(failed=dict(taken.failed))
    for name in ("ours", "floor"):
        if {f"{name} {few}", f"{name} {many}"} <= taken.values.keys():
            samples.values[name] = [taken.ratio(f"{name} {many}", f"{name} {few}")]
    title = f"protected view, CPU at {many:,} logins in Redis over {few}"
    return [Row(title, "ratio", samples, (targets.at_most(1.05),), exact=True)]


def _in_turn(lab: Lab, url: str, *, keep: bool) -> Samples:
    size, rounds = lab.amount(300, 60), lab.amount(40, 6)

    def prepare(name: str) -> Batch:
        return _visits(lab.in_memory(name), url, size, keep=keep)

    return interleaved({name: partial(prepare, name) for name in NAMES}, rounds)


def _visits(place: Place, url: str, size: int, *, keep: bool = False) -> Batch:
    browser = _visitor(place, url, keep=keep)

    def batch() -> float:
        environs = [browser.environ(url) for _ in range(size)]
        return timed(place.app, environs, OK) * 1e6

    return batch


def _visitor(place: Place, url: str, *, keep: bool) -> Browser:
    browser = Browser(place.app)
    browser.log_in(place.contender)
    if keep:
        browser.get("/keep")
    browser.get(url)
    return browser


def _commands(lab: Lab, name: str, *, url: str, keep: bool) -> tuple[float, float]:
    requests = 20
    browser = _visitor(lab.in_redis(name), url, keep=keep)
    lab.redis.forget()
    for _ in range(requests):
        browser.get(url)
    reads, writes = lab.redis.commands()
    return reads / requests, writes / requests
