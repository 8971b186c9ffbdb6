"""Sessions and logins on a Redis Cluster, where each record is on one of three nodes.

Flask-Session's own Redis sessions take no client of a cluster, cachelib's `RedisCache` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from cachelib import RedisCache
from flask import Flask, session
from flask.testing import FlaskClient
from flask_session import Session
from redis.cluster import RedisCluster
from werkzeug.test import TestResponse

from flask_altdentifier.backends import session_cache
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.store import hashed

from .invariants.conftest import NEEDS_REDIS
from .redis_cluster import Cluster, Node, Recorded
from .support import (
    FakeAltDentifier,
    altdentifier,
    begin,
    cookies_of,
    extension,
    finish,
    log_in,
    make_app,
    reason,
)

pytestmark = [pytest.mark.server, *NEEDS_REDIS]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of all tests."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def redis(cluster: Cluster) -> Iterator[Recorded]:
    """A client of the cluster."""
    client = cluster.client()
    yield client
    client.close()


@pytest.fixture
def app(redis: Recorded) -> Flask:
    """An app with sessions and logins on the cluster."""
    return clustered(redis)


def clustered(redis: RedisCluster, **config: Any) -> Flask:
    """Return an app with sessions and logins on a cluster, and a view that fills the session."""
    app = make_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=RedisCache(redis), **config)
    app.add_url_rule("/buy", "buy", lambda: session.setdefault("cart", "apples"))
    return app


def at_once(app: Flask, client: FlaskClient, path: str) -> list[int]:
    """Ask eight times at one moment, with the cookies of *client*; return the statuses."""
    cookies = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies_of(client).items())}

    def ask(_: int) -> int:
        return app.test_client(use_cookies=False).get(path, headers=cookies).status_code

    with ThreadPoolExecutor(8) as pool:
        return sorted(pool.map(ask, range(8)))


def test_login_and_logout(client: FlaskClient) -> None:
    """A login works from its beginning to the logout, with a click too many between them."""
    state = begin(client, "/login?next=/me")
    assert finish(client, state).location == "/me"
    assert client.get("/me").status_code == 200
    assert finish(client, state).status_code == 303
    assert client.post("/logout").status_code == 303
    assert client.get("/me").status_code == 401


def test_five_tabs(client: FlaskClient) -> None:
    """Five logins that were begun in one browser can all be finished."""
    states = [begin(client) for _ in range(5)]
    assert [finish(client, state).status_code for state in reversed(states)] == [303] * 5


def test_one_state_in_eight_threads(
    app: Flask, client: FlaskClient, provider: FakeAltDentifier
) -> None:
    """Of eight callbacks at one moment one sends a token request, in every round."""
    for number in range(1, 11):
        path = f"/callback?code=a-code&state={begin(client)}"
        assert at_once(app, client, path) == [303] + [400] * 7
        assert len(provider.requests) == number


def test_one_of_eight_threads_refreshes(redis: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of eight requests at one moment with a grant that has ended, one refreshes it for all."""
    app = clustered(redis, ALTDENTIFIER_REFRESH=True)
    client = app.test_client()
    log_in(client)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 604_801)
    assert at_once(app, client, "/me") == [200] * 8
    forms = [form["grant_type"] for *_, form in altdentifier(app).requests]
    assert forms == ["authorization_code", "refresh_token"]


def test_records_are_spread(app: Flask, cluster: Cluster) -> None:
    """Every node keeps some of sixty logins."""
    for node in cluster.nodes:
        node.client.flushall()
    for _ in range(60):
        log_in(app.test_client())
    assert [node.client.dbsize() > 0 for node in cluster.nodes] == [True] * 3


def test_each_command_names_one_key(client: FlaskClient, cluster: Cluster, redis: Recorded) -> None:
    """Nothing that is sent needs two records on one node, and no node has refused a command."""
    client.get("/buy")
    for _ in range(2):
        log_in(client)
    client.post("/logout")
    assert {(name, len(keys)) for name, *keys in redis.sent} == {("GET", 1), ("SET", 1), ("DEL", 1)}
    for node in cluster.nodes:
        assert node.refusals() & {"CROSSSLOT", "MOVED", "ASK", "CLUSTERDOWN"} == set()


def test_sessions_of_type_redis_take_no_cluster(redis: Recorded) -> None:
    """Flask-Session uses a Redis on localhost in its place; so that is no store."""
    app = Flask(__name__)
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=redis)
    with pytest.warns(RuntimeWarning, match="No valid Redis instance"):
        Session(app)
    with pytest.raises(ConfigError, match="SESSION_TYPE to 'cachelib'"):
        session_cache(app)


# A node is down


@contextmanager
def down(cluster: Cluster, node: Node, harm: str) -> Iterator[None]:
    """Kill or stop *node*, and bring it back after the `with` block."""
    (node.kill if harm == "killed" else node.stop)()
    try:
        yield
    finally:
        (node.start if harm == "killed" else node.resume)()
        cluster.settle()


@contextmanager
def within_two_seconds() -> Iterator[None]:
    """Fail where the `with` block takes longer."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < 2


def member_on(cluster: Cluster, node: Node, app: Flask) -> FlaskClient:
    """Return a browser whose grant is on *node*."""
    while True:
        client = app.test_client()
        log_in(client)
        [login_id] = cookies_of(client).values()
        if cluster.node_of(extension(app).store._key("grant", hashed(login_id))) is node:
            return client


def begun_on(cluster: Cluster, node: Node, app: Flask) -> tuple[FlaskClient, str]:
    """Return a browser whose pending login is on *node*, and its state."""
    while True:
        client = app.test_client()
        state = begin(client)
        client.delete_cookie("session")  # with which Flask-Session could fail before us
        if cluster.node_of(extension(app).store._key("login", state)) is node:
            return client, state


@pytest.mark.parametrize("harm", ["killed", "stopped"])
def test_node_is_down(app: Flask, cluster: Cluster, provider: FakeAltDentifier, harm: str) -> None:
    """What is on it answers 503 at once and no code is sent, what is elsewhere works; then all."""
    node, other, _ = cluster.nodes
    here, there = member_on(cluster, node, app), member_on(cluster, other, app)
    begun, state = begun_on(cluster, node, app)
    sent = len(provider.requests)
    asks: list[Callable[[], TestResponse]] = [
        lambda: here.get("/me"),
        lambda: here.post("/logout"),
        lambda: finish(begun, state),
    ]
    with down(cluster, node, harm):
        for ask in asks:
            with within_two_seconds():
                assert reason(ask()) == "store_unavailable"
        with within_two_seconds():
            assert at_once(app, here, "/me") == [503] * 8
        assert there.get("/me").status_code == 200
        assert len(provider.requests) == sent
    assert [browser.get("/me").status_code for browser in (here, there)] == [200, 200]
    assert finish(begun, state).status_code == 303
