"""A Redis whose replica takes over: what `docs/scale.md` says that is kept and forgotten.

A removal is lost where a primary takes it that the others have given up. So that is what the tests
play: the replica takes over, the app talks to the primary for a while, and then follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cachelib import RedisCache
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from .docs.pages import blocks
from .invariants.conftest import NEEDS_REDIS
from .invariants.servers import RedisServer, eventually
from .ports import free_ports
from .support import altdentifier, begin, cookies_of, finish, log_in, make_app, reason

pytestmark = [pytest.mark.server, *NEEDS_REDIS]


@dataclass
class Pair:
    """A primary and its replica, and the app before and after the one is in the other's place."""

    primary: RedisServer
    replica: RedisServer
    clients: list[Redis] = field(default_factory=list)

    def app(self, kind: type[Redis] = Redis) -> Flask:
        """Return the app on the primary."""
        return self._app(kind, self.primary)

    def copied(self) -> None:
        """Wait until the replica has all that was written so far."""
        client = self.primary.client
        client.set("mark", "")  # `WAIT` waits for what its own connection has written
        eventually(lambda: client.wait(1, 100) == 1, "the copy")

    def part(self) -> None:
        """Let the replica take over. The primary goes on, and so does the app."""
        self.copied()
        self.replica.client.replicaof("NO", "ONE")
        eventually(lambda: self._alone, "the primary notices")

    @property
    def _alone(self) -> bool:
        info: dict[str, Any] = self.primary.client.info("replication")
        return bool(info["connected_slaves"] == 0)

    def follow(self) -> Flask:
        """Kill the primary and return the app on the replica."""
        self.primary.kill()
        self.replica.client.replicaof("NO", "ONE")
        return self._app(Redis, self.replica)

    def _app(self, kind: type[Redis], server: RedisServer) -> Flask:
        client = kind(unix_socket_path=server.socket, socket_timeout=5)
        self.clients.append(client)
        return make_app(ALTDENTIFIER_STORE=RedisCache(client))


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A primary and its replica."""
    [port] = free_ports(1)
    at_port = ("--port", str(port), "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0")
    primary = RedisServer(tmp_path_factory.mktemp("primary"), *at_port)
    replica = RedisServer(tmp_path_factory.mktemp("replica"), "--replicaof", f"127.0.0.1 {port}")
    with primary, replica:
        pair = Pair(primary, replica)
        pair.copied()
        yield pair
        for client in pair.clients:
            client.close()


def same_browser(app: Flask, cookies: dict[str, str]) -> FlaskClient:
    """Return a browser with *cookies* before *app*."""
    client = app.test_client()
    for name, value in cookies.items():
        client.set_cookie(name, value)
    return client


def waiting_redis(patience: int = 100) -> type[Redis]:
    """Return the class that the page shows, with a *patience* in milliseconds."""
    [code] = [block.code for block in blocks("scale") if "class WaitingRedis" in block.code]
    assert ".wait(1, 100)" in code
    names: dict[str, Any] = {}
    exec(code.replace(".wait(1, 100)", f".wait(1, {patience})"), names)
    found: type[Redis] = names["WaitingRedis"]
    return found


def test_what_was_copied_stays(pair: Pair) -> None:
    """A login lasts, a login that was begun can be finished, and what has ended has ended."""
    app = pair.app()
    member, former, newcomer = app.test_client(), app.test_client(), app.test_client()
    log_in(member)
    state = begin(newcomer)
    log_in(former)
    copied = cookies_of(former)
    former.post("/logout")
    pair.part()

    app = pair.follow()
    assert same_browser(app, cookies_of(member)).get("/me").status_code == 200
    assert same_browser(app, copied).get("/me").status_code == 401
    assert finish(same_browser(app, cookies_of(newcomer)), state).status_code == 303


def test_a_removal_that_was_not_copied_is_forgotten(pair: Pair) -> None:
    """A grant that a logout has ended is back, and the browser's used state sends a code again."""
    app = pair.app()
    former, newcomer, other = app.test_client(), app.test_client(), app.test_client()
    log_in(former)
    state = begin(newcomer)
    copied, begun = cookies_of(former), cookies_of(newcomer)
    pair.part()
    assert former.post("/logout").status_code == 303
    assert finish(newcomer, state).status_code == 303

    app = pair.follow()
    assert same_browser(app, copied).get("/me").status_code == 200
    assert finish(same_browser(app, cookies_of(other)), state).status_code == 400
    assert altdentifier(app).requests == []
    assert finish(same_browser(app, begun), state).status_code == 303
    assert len(altdentifier(app).requests) == 1


def test_min_replicas_to_write(pair: Pair) -> None:
    """A primary that is told to want a replica takes neither a removal nor a code without one."""
    pair.primary.client.config_set("min-replicas-to-write", 1)
    pair.primary.client.config_set("min-replicas-max-lag", 3)
    app = pair.app()
    member, newcomer = app.test_client(), app.test_client()
    log_in(member)
    state = begin(newcomer)
    sent = len(altdentifier(app).requests)
    pair.part()
    assert member.get("/me").status_code == 200
    assert reason(member.post("/logout")) == "store_unavailable"
    assert reason(finish(newcomer, state)) == "store_unavailable"
    assert reason(app.test_client().get("/login")) == "store_unavailable"
    assert len(altdentifier(app).requests) == sent


def test_waiting_redis(pair: Pair) -> None:
    """What has ended for a client that waits has ended on the replica too, in every round."""
    app = pair.app(waiting_redis(patience=4_000))  # a busy machine is not what is tested
    jars = []
    for _ in range(50):
        former = app.test_client()
        state = begin(former)
        begun = cookies_of(former)
        finish(former, state)
        jars.append((begun, state, cookies_of(former)))
        assert former.post("/logout").status_code == 303
    assert len(altdentifier(app).requests) == len(jars)

    app = pair.follow()  # at once, without a moment to copy
    for begun, state, copied in jars:
        assert same_browser(app, copied).get("/me").status_code == 401
        assert finish(same_browser(app, begun), state).status_code == 400
    assert altdentifier(app).requests == []


def test_waiting_redis_alone(pair: Pair) -> None:
    """A logout that no replica confirms is a 503, and so is a callback, whose code is not sent."""
    app = pair.app()
    member, newcomer = app.test_client(), app.test_client()
    log_in(member)
    state = begin(newcomer)
    pair.part()

    app = pair.app(waiting_redis())
    logout = same_browser(app, cookies_of(member)).post("/logout")
    assert reason(logout) == "store_unavailable"
    assert reason(finish(same_browser(app, cookies_of(newcomer)), state)) == "store_unavailable"
    assert altdentifier(app).requests == []
