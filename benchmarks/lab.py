"""What a measurement needs: the provider, and apps on each kind of store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from cachelib import FileSystemCache
from flask import Flask, session
from flask_session import Session

from . import provider, servers
from .contenders import CLIENT_SECRET

# Log records go nowhere, which takes the same time for all.
logging.getLogger().addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Place:
    """One contender in an app of its own."""

    name: str
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
    databases: Iterator[int]

    def amount(self, full: int, quick: int) -> int:
        """Return how much to do."""
        return quick if self.quick else full

    def embedded(self, name: str, **config: Any) -> Place:
        """Return an app without a server. The others keep sessions in cachelib's files."""
        directory = self.new_directory()
        if name != "ours":
            files = FileSystemCache(str(directory), threshold=100_000, mode=0o600)
            config |= {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": files}
        return self.build(name, config, directory)

    def on_redis(self, name: str, **config: Any) -> Place:
        """Return an app that keeps everything in an empty Redis database of its own."""
        database = next(self.databases)
        if name == "ours":
            config["ALTDENTIFIER_STORE"] = f"unix://{self.redis.socket}?db={database}"
        else:
            client = self.redis.client(database)
            config |= {"SESSION_TYPE": "redis", "SESSION_REDIS": client}
        return self.build(name, config, database=database)

    def on_database(self, name: str, url: str) -> Place:
        """Return an app that keeps everything in a SQL database."""
        if name == "ours":
            return self.build(name, {"ALTDENTIFIER_STORE": url})
        return self.build(name, {"SESSION_TYPE": "sqlalchemy", "SQLALCHEMY_DATABASE_URI": url})

    def build(
        self, name: str, config: dict[str, Any], directory: Path | None = None, database: int = 0
    ) -> Place:
        """Return an app with the contender, a public view, and one that writes to the session."""
        directory = directory or self.new_directory()
        app = Flask(__name__, instance_path=str(directory / "instance"))
        app.config.update(config, SECRET_KEY=CLIENT_SECRET)
        if "SQLALCHEMY_DATABASE_URI" in config:
            from flask_sqlalchemy import SQLAlchemy

            app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
        if "SESSION_TYPE" in config:
            Session(app)
        import_module(f".contenders.{name}", __package__).install(app, self.provider.url)
        app.add_url_rule("/public", "public", lambda: "public")
        app.add_url_rule("/keep", "keep", lambda: session.update(theme="dark") or "kept")
        return Place(name, app, directory, database)

    def new_directory(self) -> Path:
        """Return an empty directory."""
        return Path(mkdtemp(dir=self.directory))


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
