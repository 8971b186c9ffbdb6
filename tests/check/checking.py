"""What the tests of `flask altdentifier check` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cachelib import FileSystemCache
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup
from redis import Redis

from flask_altdentifier import blueprint
from flask_altdentifier.check import find
from flask_altdentifier.check.findings import Finding

from ..support import make_app

CLOUD = "https://shop.example/callback"
LOCAL = "http://127.0.0.1:5000/callback"
SECURE = {"SESSION_COOKIE_SECURE": True}

#: Timeouts that are short enough, and how a mend writes them.
QUICK = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
MEND = "Redis(..., socket_timeout=0.5, socket_connect_timeout=0.5, retry=None)"


def good_app(**config: Any) -> Flask:
    """An app in which nothing is wrong, but for *config*."""
    return make_app(**{"SESSION_REFRESH_EACH_REQUEST": False} | config)


def redis_sessions(client: Any, **config: Any) -> Flask:
    """A good app with its sessions on Redis."""
    return good_app(SESSION_TYPE="redis", SESSION_REDIS=client, **config)


def files(path: Path) -> FileSystemCache:
    """A cache with room enough."""
    return FileSystemCache(str(path), threshold=100_000)


def offline(app: Flask) -> list[Finding]:
    return find(app, offline=True)


def codes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found]


def found_with(**config: Any) -> list[str]:
    """Return the codes for a good app with *config*."""
    return codes(offline(good_app(**config)))


def flask_command(*arguments: str) -> Result:
    """Run `flask`, with our commands from the entry point, which stand there without an app."""
    flask = FlaskGroup()
    flask.add_command(blueprint.cli, "altdentifier")
    return CliRunner().invoke(flask, arguments)


class AnsweringRedis(Redis):  # type: ignore[type-arg, unused-ignore]
    """A Redis client whose server is a dict, and may be down."""

    down = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: dict[str, bytes] = {}

    def execute_command(self, *command: Any, **_: Any) -> Any:
        if self.down:
            raise ConnectionError
        match command:
            case ("SET", key, value, *_) | ("SETEX", key, _, value):
                self.kept[key] = value
                return True
            case "GET", key:
                return self.kept.get(key)
            case "DEL", key:
                return int(self.kept.pop(key, None) is not None)
        raise AssertionError(command)
