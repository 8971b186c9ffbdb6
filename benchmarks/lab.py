"""What a measurement needs: the provider, Redis, and apps with someone logged in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask

from . import apps, provider, redis_server
from .contenders import NAMES, Contender, load
from .samples import Samples
from .targets import Target


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    title: str
    unit: str
    samples: Samples
    targets: tuple[Target, ...] = ()
    #: Whether a figure is a count or a size, and not a time.
    exact: bool = False

    @property
    def met(self) -> bool:
        """Whether ours meets each target."""
        return "ours" in self.samples.values and all(t.holds(self.samples) for t in self.targets)


@dataclass(frozen=True)
class Place:
    """One contender in an app."""

    contender: Contender
    app: Flask


@dataclass(frozen=True)
class Lab:
    """The servers that run for the length of the benchmark."""

    directory: Path
    provider: provider.Provider
    redis: redis_server.RedisServer
    #: Whether to be done soon rather than to be exact.
    quick: bool

    def amount(self, full: int, quick: int) -> int:
        """Return how much to do."""
        return quick if self.quick else full

    def in_memory(self, name: str) -> Place:
        """Return an app that keeps everything in this process."""
        contender = load(name)
        return Place(contender, apps.build(contender, self.provider.url, apps.in_memory()))

    def in_redis(self, name: str, database: int | None = None, **settings: Any) -> Place:
        """Return an app on an empty Redis database, with the config that its docs tell.

        *settings* are for each contender alike.
        """
        contender = load(name)
        client = self.redis.client(NAMES.index(name) if database is None else database)
        client.flushdb()
        config = apps.in_redis(client) | contender.advice | settings
        return Place(contender, apps.build(contender, self.provider.url, config))


#: Measures one thing, or a few that come together.
Line = Callable[[Lab], list[Row]]


@contextmanager
def opened(*, quick: bool) -> Iterator[Lab]:
    """Start the servers. Raises `RuntimeError` where a program is missing that is needed later."""
    for program in ("redis-server", "redis-benchmark"):
        if which(program) is None:
            raise RuntimeError(f"{program} is not on the PATH")
    with (
        TemporaryDirectory() as name,
        provider.running(Path(name)) as running,
        redis_server.running(Path(name)) as redis,
    ):
        yield Lab(Path(name), running, redis, quick)
