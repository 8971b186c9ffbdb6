"""What `flask altdentifier check` finds in the store and in the sessions' backend."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from cachelib import RedisCache, SimpleCache
from flask import Flask, Request
from flask.sessions import SecureCookieSession, SessionInterface
from redis import Redis

from flask_altdentifier.check.caches import MAX_WAIT

from .checking import MEND, QUICK, AnsweringRedis, codes, files, good_app, offline, redis_sessions

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")


class Forgetful(SimpleCache):
    """A cache that takes all and keeps nothing."""

    def get(self, key: str) -> Any:
        return None


def test_store_that_does_not_work() -> None:
    """The store must give back what it took."""
    [finding] = offline(good_app(ALTDENTIFIER_STORE=Forgetful(threshold=100_000)))
    assert finding.code == "store-unreachable"
    assert "give it back: every login" in finding.message
    assert finding.mend.startswith("ALTDENTIFIER_STORE = ")


def test_store_that_is_down() -> None:
    """A server that does not answer is named once, by the key that leads to it."""
    client = Redis.from_url("redis://:hidden@localhost:1", **QUICK, retry=None)
    [finding] = offline(redis_sessions(client))
    assert finding.code == "store-unreachable"
    assert "(ConnectionError)" in finding.message
    assert "hidden" not in finding.message
    assert finding.mend.startswith("SESSION_REDIS = ")
    [finding] = offline(redis_sessions(client, ALTDENTIFIER_STORE=RedisCache(client)))
    assert finding.mend.startswith("ALTDENTIFIER_STORE = ")


def test_sessions_that_are_down(tmp_path: Path) -> None:
    """Sessions on a server of their own are asked too."""
    client = Redis.from_url("redis://:hidden@localhost:1", **QUICK, retry=None)
    [finding] = offline(redis_sessions(client, ALTDENTIFIER_STORE=files(tmp_path)))
    assert finding.code == "sessions-unreachable"
    assert "(ConnectionError)" in finding.message
    assert "hidden" not in finding.message
    assert finding.mend.startswith("SESSION_REDIS = ")


def test_servers_that_do_not_answer(tmp_path: Path) -> None:
    """A client that waits for ever is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Redis.from_url(f"redis://localhost:{silent.getsockname()[1]}", retry=None)
        for store, code in ((None, "store"), (files(tmp_path), "sessions")):
            app = redis_sessions(client, ALTDENTIFIER_STORE=store)
            start = time.monotonic()
            found = {finding.code: finding for finding in offline(app)}
            assert time.monotonic() - start < 2 * MAX_WAIT
            assert found.keys() == {f"{code}-unreachable", "redis-timeout"}
            assert "within 2 seconds" in found[f"{code}-unreachable"].message
            assert f"SESSION_REDIS = {MEND}" == found["redis-timeout"].mend
            assert found[f"{code}-unreachable"].mend.startswith(f"SESSION_REDIS = {MEND}  # ")


def test_sessions_that_are_forgotten(tmp_path: Path) -> None:
    """The backend must give back the session that it took."""
    sessions = Forgetful(threshold=100_000)
    app = good_app(SESSION_CACHELIB=sessions, ALTDENTIFIER_STORE=files(tmp_path))
    [finding] = offline(app)
    assert finding.code == "sessions-unreachable"
    assert "give it back: each page" in finding.message


def test_look_leaves_nothing_behind(tmp_path: Path) -> None:
    """What is written is taken back."""
    client = AnsweringRedis(**QUICK, retry=None)
    store = files(tmp_path)
    assert offline(redis_sessions(client, ALTDENTIFIER_STORE=store)) == []
    assert client.kept == {}
    assert store._file_count == 0


def test_sessions_of_another_make(tmp_path: Path) -> None:
    """Sessions that no key of Flask-Session tells of are named by what would."""
    app = good_app(ALTDENTIFIER_STORE=files(tmp_path))
    app.session_interface.cache = Forgetful()  # type: ignore[attr-defined]
    del app.config["SESSION_TYPE"]
    found = offline(app)
    assert codes(found) == ["cache-threshold", "sessions-unreachable"]
    assert found[1].mend.startswith("SESSION_TYPE = ")


class OwnSessions(SessionInterface):
    """A session interface that is not Flask-Session's."""

    def __init__(self) -> None:
        self.kept = SecureCookieSession()

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        return self.kept

    def save_session(self, *_: Any) -> None: ...


@pytest.mark.parametrize("kind", ["cachelib", "filesystem", "redis", "memcached", "mongodb"])
def test_sessions_that_are_not_of_their_type(kind: str) -> None:
    """SESSION_TYPE gives no store where another interface keeps the sessions."""
    app = good_app()
    app.config["SESSION_TYPE"], app.session_interface = kind, OwnSessions()
    with_id, finding = offline(app)
    assert (with_id.code, finding.code) == ("session-id", "store-config")
    assert "OwnSessions" in finding.message


def test_sessions_that_give_no_store() -> None:
    """Sessions that no store can be derived from are named, with the key that is missing."""
    app = good_app()
    app.config["SESSION_TYPE"] = "dynamodb"
    [finding] = offline(app)
    assert finding.code == "store-config"
    assert "'dynamodb'" in finding.message
    assert finding.mend.startswith("ALTDENTIFIER_STORE = ")


def test_store_beside_signed_cookies(tmp_path: Path) -> None:
    """A store of its own is looked at, whatever the sessions are."""
    app = good_app(ALTDENTIFIER_STORE=Forgetful(threshold=100_000))
    app.session_interface = Flask.session_interface
    assert codes(offline(app)) == ["session-cookie", "store-unreachable"]


class AnyName:
    """A client like pymongo's, which has whatever attribute it is asked for, and no truth."""

    def __getattr__(self, name: str) -> AnyName:
        if name.startswith("_"):
            raise AttributeError(name)
        return AnyName()

    def __bool__(self) -> bool:
        raise NotImplementedError


def test_other_servers() -> None:
    """Clients of other servers are left alone."""
    app = good_app(ALTDENTIFIER_STORE=SimpleCache(threshold=100_000))
    interface: Any = app.session_interface
    interface.client, interface.cache = AnyName(), None
    interface.open_session = lambda *_: {"altdentifier_check": True}
    interface.save_session = lambda *_: None
    assert offline(app) == []
