"""What Redis keeps: the keys, how long each lives, and what many of them take up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..browser import REDIRECT, Browser
from ..fill import fill
from ..lab import Lab

#: How many logins are tried.
LOGINS = (1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Record:
    """One kind of key."""

    kind: str
    #: Characters of its name, bytes of its value, and bytes of memory for both.
    name: int
    value: int
    memory: int
    #: Seconds.
    lifetime: int


@dataclass(frozen=True)
class Room:
    """What Redis keeps for a number of people."""

    count: int
    #: Bytes of memory for each, the tables of keys included.
    logged_in: float
    pending: float


def records(lab: Lab) -> Iterator[Record]:
    """Measure each kind of key: those of a login that was begun, and that of one that is done."""
    place, client = lab.in_redis("ours"), lab.redis.client()
    browser = Browser(place.app)
    back = browser.begin(place.contender)
    yield from _records(client)
    browser.get(back, REDIRECT)
    yield from _records(client)


def _records(client: Any) -> Iterator[Record]:
    for key in sorted(client.keys()):
        kind = key.decode().split(":")[-2]
        memory = client.memory_usage(key, samples=0)
        yield Record(kind, len(key), client.strlen(key), memory, client.ttl(key))


def rooms(lab: Lab) -> Iterator[Room]:
    """Measure what many logins take up: real ones, copied under names of their own."""
    for count in LOGINS[: lab.amount(3, 2)]:
        yield Room(count, _each(lab, count, done=True), _each(lab, count, done=False))


def _each(lab: Lab, count: int, *, done: bool) -> float:
    """Return the bytes for each of many logins, done or pending."""
    place = lab.in_redis("ours")
    empty = _used(lab)
    browser = Browser(place.app)
    if done:
        browser.log_in(place.contender)
    else:
        browser.begin(place.contender)
    client = lab.redis.client()
    fill(client, count)
    client.close()
    return (_used(lab) - empty) / count


def _used(lab: Lab) -> int:
    used: int = lab.redis.client().info("memory")["used_memory"]
    return used
