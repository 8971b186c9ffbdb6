"""What a measurement needs: the provider, and apps on each kind of store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from cachelib import FileSystemCache
from flask import Flask, session
from flask_session import Session

from . import provider, servers
from .contenders import CLIENT_SECRET, Contender, load
from .samples import Samples
from .targets import Target

# Log records go nowhere, which takes the same time for all.
logging.getLogger().addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    title: str
    samples: Samples
    targets: tuple[Target, ...] = ()
    #: Whether a figure is a count or a size that has no meaningful ratio.
    exact: bool = False

    @property
    def met(self) -> bool:
        """Whether ours meets each target."""
        return "ours" in self.samples.values and all(t.holds(self.samples) for t in self.targets)


@dataclass(frozen=True)
class Place:
    """One contender in an app of its own."""

    contender: Contender
    app: Flask
    #: Where it keeps files.
    directory: Path
    #: Its Redis database.
    database: int


@dataclass(frozen=True)
class Lab:
    """The servers that run for the length of the benchmark."""

    directory: Path
    provider: provider.Provider
    redis: servers.RedisServer
    #: Whether to finish soon rather than to be exact.
    quick: bool
    _databases: count[int]

    def amount(self, full: int, quick: int) -> int:
        """Return how much to do."""
        return quick if self.quick else full

    def embedded(self, name: str, **settings: Any) -> Place:
        """Return an app without a server: ours without any setting, the others with cachelib's
        files, which Flask-Session suggests.
        """
        directory = Path(mkdtemp(dir=self.directory))
        cache = FileSystemCache(str(directory / "sessions"), threshold=100_000, mode=0o600)
        files = {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": cache}
        return self._build(name, directory, files if name != "ours" else {}, settings)

    def on_redis(self, name: str, **settings: Any) -> Place:
        """Return an app that keeps everything in an empty Redis database of its own."""
        database = next(self._databases)
        client = self.redis.client(database)
        client.flushdb()
        config = {"SESSION_TYPE": "redis", "SESSION_REDIS": client}
        if name == "ours":
            config = {"ALTDENTIFIER_STORE": f"unix://{self.redis.socket}?db={database}"}
        return self._build(name, Path(mkdtemp(dir=self.directory)), config, settings, database)

    def on_database(self, name: str, url: str) -> Place:
        """Return an app that keeps everything in a SQL database."""
        config = {"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": url}
        if name == "ours":
            config = {"ALTDENTIFIER_STORE": url}
        return self._build(name, Path(mkdtemp(dir=self.directory)), config, {})

    def with_signed_cookies(self, name: str) -> Place:
        """Return an app with Flask's default sessions, for those that accept them."""
        return self._build(name, Path(mkdtemp(dir=self.directory)), {}, {})

    def _build(
        self,
        name: str,
        directory: Path,
        config: dict[str, Any],
        settings: dict[str, Any],
        database: int = 0,
    ) -> Place:
        contender = load(name)
        app = Flask(__name__, instance_path=str(directory / "instance"))
        app.config.update(config, SECRET_KEY=CLIENT_SECRET, **settings)
        if "SQLALCHEMY_DATABASE_URI" in config:
            from flask_sqlalchemy import SQLAlchemy

            app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
        if "SESSION_TYPE" in config:
            Session(app)
        contender.install(app, self.provider.url)
        _add_views(app)
        return Place(contender, app, directory, database)


def _add_views(app: Flask) -> None:
    """Add a public view, and one that keeps something in the session."""

    @app.get("/public")
    def public() -> str:
        return "public"

    @app.get("/keep")
    def keep() -> str:
        session["theme"] = "dark"
        return "kept"


#: Measures one thing, or a few that come together.
Line = Callable[[Lab], list[Row]]


@contextmanager
def open_lab(*, quick: bool) -> Iterator[Lab]:
    """Start the servers. Raises `RuntimeError` if a program is missing that is needed later."""
    servers.find("postgres")
    with (
        TemporaryDirectory() as name,
        provider.running(Path(name)) as running,
        servers.redis_server(Path(name)) as redis,
    ):
        yield Lab(Path(name), running, redis, quick, count())
