"""What `flask altdentifier check` finds about the store and the sessions' server."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask
from flask_session import Session
from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.retry import Retry

from flask_altdentifier.diagnostics import store as store_checks
from flask_altdentifier.diagnostics import trial
from flask_altdentifier.diagnostics.findings import Finding
from flask_altdentifier.diagnostics.subject import Subject

from .apps import OwnStore, codes, good_app, live_app, only


def findings(app: Flask) -> list[Finding]:
    """Return what the store's checks find."""
    subject = Subject.create(app, production=False)
    assert subject is not None
    with app.app_context():
        return list(store_checks.check_store(subject, offline=False))


def tried(app: Flask) -> list[str]:
    """Return the codes of the store's checks."""
    return [found.code for found in findings(app)]


def sqlite_app(path: Path, **config: Any) -> Flask:
    return good_app(TESTING=False, ALTDENTIFIER_STORE=f"sqlite:///{path}", **config)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("prepare", "cause", "fix"),
    [
        (lambda path: path.parent.rmdir(), "does not exist", "mkdir -p"),
        (lambda path: path.mkdir(), "cannot write", "mkdir -p"),
        (lambda path: path.write_text("no database " * 99), "not an intact", "mv "),
        (newer, "newer version", "pip install --upgrade"),
    ],
)
def test_unusable_sqlite_file_is_found_with_its_fix(
    tmp_path: Path, prepare: Callable[[Path], Any], cause: str, fix: str
) -> None:
    path = tmp_path / "store" / "logins.sqlite3"
    path.parent.mkdir()
    prepare(path)
    [found] = findings(sqlite_app(path))
    assert (found.code, cause in found.title) == ("store-down", True)
    assert found.fix.startswith(fix)


def test_good_sqlite_file(tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite3"
    path.touch()
    assert tried(sqlite_app(path)) == []


def test_offline_check_does_not_touch_the_store(tmp_path: Path) -> None:
    path = tmp_path / "logins.sqlite3"
    assert codes(sqlite_app(path)) == []
    assert not path.exists()


def test_check_does_not_create_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would belong to who runs the check, and the workers could not open it."""
    app = good_app(TESTING=False, ALTDENTIFIER_STORE=None)
    app.instance_path = str(tmp_path / "instance")
    assert tried(app) == []
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        assert tried(app) == ["store-down"]
    Path(app.instance_path).mkdir()
    assert tried(app) == []
    assert tried(sqlite_app(tmp_path / "logins.sqlite3")) == []
    assert [path.name for path in tmp_path.rglob("*")] == ["instance"]


class Broken(OwnStore):
    """A store that raises or forgets."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    def set(self, key: str, value: str, ttl: float) -> None:
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionError("with a password"), "ConnectionError"),
        (PermissionError(), "PermissionError"),
        (type("OutOfMemoryError", (Exception,), {})(), "full"),
        (None, "NothingReturned"),
    ],
)
def test_store_that_fails(error: Exception | None, cause: str) -> None:
    [found] = findings(good_app(ALTDENTIFIER_STORE=Broken(error)))
    assert (found.code, cause in found.title) == ("store-down", True)
    assert "password" not in repr(found)


def test_store_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MAX_WAIT", 0.01)
    end = threading.Event()

    class Hanging(OwnStore):
        def set(self, key: str, value: str, ttl: float) -> None:
            end.wait(10)

    [found] = findings(good_app(ALTDENTIFIER_STORE=Hanging()))
    end.set()
    assert "0.01 seconds" in found.title


def test_store_that_cannot_be_derived() -> None:
    config = {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": OddCache()}
    app = good_app(TESTING=False, ALTDENTIFIER_STORE=None, **config)
    Session(app)
    assert "store-config" in codes(app)


class OddCache(SimpleCache):
    """A cache that keeps no logins."""


def test_store_on_a_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"sqlite:///{tmp_path / 'logins.sqlite3'}"
    monkeypatch.setenv("DYNO", "web.1")
    assert only(live_app(ALTDENTIFIER_STORE=store)).code == "store-one-machine"


@pytest.mark.parametrize(
    ("mounts", "code"),
    [
        ("/dev/sda / ext4 rw\nserver:/x {tmp} nfs4 rw\n", "store-network"),
        ("server:/x / nfs4 rw\n/dev/sda {tmp} ext4 rw\n", None),
        (None, None),
    ],
)
def test_network_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounts: str | None, code: str | None
) -> None:
    table = tmp_path / "mounts"
    monkeypatch.setattr(store_checks, "_MOUNTS", table)
    if mounts is not None:
        table.write_text(mounts.format(tmp=tmp_path))
    app = live_app(ALTDENTIFIER_STORE=f"sqlite:///{tmp_path / 'logins.sqlite3'}")
    assert codes(app) == ([code] if code else [])


class AnsweringRedis(Redis):  # type: ignore[type-arg, unused-ignore]
    """A Redis client whose server is a dict."""

    memory: dict[str, Any] | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: dict[str, bytes] = {}

    def info(self, *_: Any, **__: Any) -> Any:
        if self.memory is None:
            raise PermissionError
        return self.memory

    def execute_command(self, *command: Any, **_: Any) -> Any:
        match command:
            case ("SET", key, value, *_) | ("SETEX", key, _, value):
                self.kept[key] = value
                return True
            case "GET", key:
                return self.kept.get(key)
            case "DEL", key:
                return int(self.kept.pop(key, None) is not None)
        raise AssertionError(command)


QUICK: dict[str, Any] = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "retry": Retry(NoBackoff(), 0),
}


@pytest.mark.parametrize(
    ("memory", "found"),
    [
        (None, []),
        ({"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, []),
        ({"maxmemory": 9, "maxmemory_policy": "noeviction"}, []),
        ({"maxmemory": 9, "maxmemory_policy": "allkeys-lru"}, ["redis-eviction"]),
        ({"a node": {"maxmemory": 9, "maxmemory_policy": "volatile-ttl"}}, ["redis-eviction"]),
    ],
)
def test_redis_that_evicts(memory: dict[str, Any] | None, found: list[str]) -> None:
    client = AnsweringRedis(**QUICK)
    client.memory = memory
    assert tried(good_app(ALTDENTIFIER_STORE=client)) == found


def cluster(**options: Any) -> Any:
    """Return a cluster's client without connecting."""
    client = object.__new__(RedisCluster)
    client.nodes_manager = SimpleNamespace(connection_kwargs=options)  # type: ignore[assignment]
    client.retry = Retry(NoBackoff(), 3)
    return client


@pytest.mark.parametrize(
    ("client", "is_slow"),
    [
        (Redis(**QUICK), False),
        (Redis(), True),
        (Redis(socket_timeout=0.5, socket_connect_timeout=9), True),
        (Redis(**QUICK | {"retry": Retry(NoBackoff(), 9)}), True),
        (Redis(**QUICK | {"retry": Retry(NoBackoff(), -1)}), True),
        (Redis(unix_socket_path="/x", socket_timeout=0.5, retry=Retry(NoBackoff(), 0)), False),
        (cluster(socket_timeout=0.2, socket_connect_timeout=0.2), False),
        (cluster(), True),
        ("redis://localhost", False),
    ],
)
def test_redis_client_that_waits(client: Any, is_slow: bool) -> None:
    assert codes(good_app(ALTDENTIFIER_STORE=client)) == (["redis-timeout"] if is_slow else [])


def test_one_client_of_store_and_sessions_is_named_once() -> None:
    client = AnsweringRedis()
    app = good_app(SESSION_TYPE="redis", SESSION_REDIS=client, ALTDENTIFIER_STORE=client)
    Session(app)
    assert "SESSION_REDIS" in only(app).title


@pytest.mark.parametrize("is_good", [True, False])
def test_sessions_of_the_app(monkeypatch: pytest.MonkeyPatch, is_good: bool) -> None:
    app = good_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    Session(app)
    if not is_good:
        monkeypatch.setattr(app.session_interface, "_retrieve_session_data", lambda _: None)
    found = [code for code in codes(app, offline=False) if code.startswith("sessions")]
    assert found == ([] if is_good else ["sessions-unreachable"])
