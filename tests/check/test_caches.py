"""What `flask altdentifier check` finds in the caches that sessions and logins are kept in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cachelib import BaseCache, FileSystemCache, RedisCache, SimpleCache
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from flask_altdentifier.check import caches
from flask_altdentifier.check.findings import Finding

from .checking import (
    MEND,
    QUICK,
    AnsweringRedis,
    codes,
    files,
    found_with,
    good_app,
    offline,
    redis_sessions,
)

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex")


def test_memory_of_one_process() -> None:
    """A `SimpleCache` is for one process; whoever develops or tests has one."""
    app = good_app()
    app.testing = False
    assert codes(offline(app)) == ["store-private"]
    app.debug = True
    assert offline(app) == []


def test_small_caches(tmp_path: Path) -> None:
    """A cache that is soon full drops logins; each one is named by its key."""
    store = FileSystemCache(str(tmp_path))
    app = good_app(SESSION_CACHELIB=SimpleCache(), ALTDENTIFIER_STORE=store)
    assert [finding.mend for finding in offline(app)] == [
        "ALTDENTIFIER_STORE = FileSystemCache(..., threshold=100_000)",
        "SESSION_CACHELIB = SimpleCache(..., threshold=100_000)",
    ]
    without_limit = FileSystemCache(str(tmp_path), threshold=0)
    assert found_with(ALTDENTIFIER_STORE=without_limit) == []


def test_default_files_of_flask_session(tmp_path: Path) -> None:
    """Flask-Session's deprecated "filesystem" has a key of its own for its small limit."""
    with pytest.warns(DeprecationWarning, match="FileSystem"):
        app = good_app(SESSION_TYPE="filesystem", SESSION_FILE_DIR=str(tmp_path))
    [finding] = offline(app)
    assert (finding.code, finding.mend) == ("cache-threshold", "SESSION_FILE_THRESHOLD = 100_000")


def test_sessions_and_logins_in_one_cache(tmp_path: Path) -> None:
    """Sessions push logins out of a file cache that both are in, unless it has room for all."""
    small = FileSystemCache(str(tmp_path), threshold=99_999)
    app = good_app(SESSION_CACHELIB=small, ALTDENTIFIER_STORE=files(tmp_path / "."))
    assert offline(app) == []
    app.testing = False
    assert offline(app) == []
    app = good_app(SESSION_CACHELIB=files(tmp_path / "."), ALTDENTIFIER_STORE=small)
    assert offline(app) == []
    app.testing = False
    assert codes(offline(app)) == ["store-shared"]


def test_slow_redis_clients() -> None:
    """A Redis client must give up soon, in each place where one is used."""
    slow, quick = AnsweringRedis(), AnsweringRedis(**QUICK, retry=None)
    [finding] = offline(redis_sessions(slow))
    assert (finding.code, finding.mend) == ("redis-timeout", f"SESSION_REDIS = {MEND}")
    [finding] = offline(redis_sessions(slow, ALTDENTIFIER_STORE=RedisCache(quick)))
    assert finding.mend == f"SESSION_REDIS = {MEND}"
    [finding] = offline(good_app(ALTDENTIFIER_STORE=RedisCache(AnsweringRedis())))
    assert finding.mend == f"ALTDENTIFIER_STORE = RedisCache({MEND})"
    assert offline(redis_sessions(quick)) == []


@pytest.mark.parametrize(
    ("retries", "found"), [(1, []), (10, ["redis-timeout"]), (-1, ["redis-timeout"])]
)
def test_redis_clients_that_try_again(retries: int, found: list[str]) -> None:
    """Short timeouts do not help where each is waited for many times."""
    client = AnsweringRedis(**QUICK, retry=Retry(NoBackoff(), retries))
    assert codes(offline(redis_sessions(client))) == found


def test_redis_on_a_unix_socket() -> None:
    """Whoever connects to a socket file is told at once, so one timeout is enough."""
    slow: Any = Redis(unix_socket_path="/x", retry=None)  # type: ignore[arg-type]
    [finding] = caches._in_cache(good_app(), slow, "SESSION_REDIS")
    assert finding.mend == f"SESSION_REDIS = {MEND}"
    for quick in (
        Redis(unix_socket_path="/x", **QUICK, retry=None),  # type: ignore[arg-type]
        Redis.from_url("unix:///x", **QUICK, retry=None),
        Redis.from_url("unix:///x", socket_timeout=0.5, retry=None),
    ):
        assert list(caches._in_cache(good_app(), quick, "SESSION_REDIS")) == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"retry": Retry(NoBackoff(), 0)}, []),  # redis-py 6 and newer
        ({"retry": Retry(NoBackoff(), 10)}, ["redis-timeout"]),
        ({"cluster_error_retry_attempts": 0}, []),  # redis-py 5
        ({"cluster_error_retry_attempts": 10}, ["redis-timeout"]),
    ],
)
def test_redis_clusters(options: dict[str, Any], found: list[str]) -> None:
    """The client of a cluster tries again by itself."""
    nodes = SimpleNamespace(connection_kwargs=QUICK)
    cache = RedisCache(SimpleNamespace(nodes_manager=nodes, **options))
    findings = list(caches._in_cache(good_app(), cache, "SESSION_CACHELIB"))
    assert codes(findings) == found
    for one in findings:
        mend = "SESSION_CACHELIB = RedisCache(RedisCluster(..., socket_timeout=0.5, "
        assert one.mend == f"{mend}socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)))"


#: Each is made anew for each app: its place, and whether it has room.
CACHES: dict[str, Callable[[Path], BaseCache]] = {
    "memory": lambda path: SimpleCache(threshold=100_000),
    "small memory": lambda path: SimpleCache(),
    "files": lambda path: files(path),
    "small files": lambda path: FileSystemCache(str(path)),
    "Redis": lambda path: RedisCache(AnsweringRedis()),
}


@pytest.mark.parametrize("mode", ["", "debug", "testing"])
@pytest.mark.parametrize("store", [None, "same", *CACHES])
@pytest.mark.parametrize("sessions", CACHES)
def test_mends_of_caches_agree(tmp_path: Path, sessions: str, store: str | None, mode: str) -> None:
    """All mends together leave nothing to be found: no two are about one key and differ."""
    first = CACHES[sessions](tmp_path / "a")
    config: dict[str, Any] = {"SESSION_CACHELIB": first}
    if store is not None:
        config["ALTDENTIFIER_STORE"] = first if store == "same" else CACHES[store](tmp_path / "b")

    def found() -> list[Finding]:
        app = good_app(**config)
        app.testing, app.debug = mode == "testing", mode == "debug"
        return offline(app)

    def files_at(path: Any, **options: Any) -> FileSystemCache:
        place = config[key]._path if path is ... else f"{tmp_path}{path}"
        return FileSystemCache(place, **options)

    names = {
        "FileSystemCache": files_at,
        "Redis": lambda _, **options: AnsweringRedis(**options),
        "RedisCache": RedisCache,
        "SimpleCache": lambda _, **options: SimpleCache(**options),
    }
    lines = {finding.mend for finding in found()}
    keys = [line.partition(" = ")[0] for line in lines]
    assert len(keys) == len(set(keys))
    for line in lines:
        key, _, value = line.partition(" = ")
        config[key] = eval(value, names)  # noqa: S307
    assert found() == []
