"""The store: records that are used once or end for good."""

from __future__ import annotations

import os
import pickle
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cachelib import BaseCache, FileSystemCache, NullCache, SimpleCache
from flask import session

from flask_altdentifier import current_grant
from flask_altdentifier.errors import ConfigError, StoreUnavailable
from flask_altdentifier.store import Store, hashed, namespace

from .support import (
    PAGE,
    altdentifier,
    bare_app,
    begin,
    cookies_of,
    finish,
    log_in,
    make_app,
    reason,
)


def same(record: Any) -> Any:
    """Read a record as it is."""
    return record


@pytest.fixture(params=["memory", "files"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> BaseCache:
    """A cache of each kind that needs no server."""
    if request.param == "memory":
        return SimpleCache(threshold=100_000)
    return FileSystemCache(str(tmp_path / "cache"), threshold=100_000)


@pytest.fixture
def store(cache: BaseCache) -> Store:
    """A store on that cache."""
    return Store(cache, "ns")


def test_record_is_kept_and_dropped(store: Store) -> None:
    """What is put is got until it is dropped."""
    assert store.get("grant", "a", same) is None
    store.put("grant", "a", {"é": [1, None]}, 60)
    assert store.get("grant", "a", same) == {"é": [1, None]}
    assert store.get("login", "a", same) is None
    store.drop("grant", "a")
    store.drop("grant", "a")
    assert store.get("grant", "a", same) is None


def test_record_is_json_text(store: Store) -> None:
    """No object of ours is pickled; only text stands in the cache."""
    store.put("grant", "a", {"b": 1}, 60)
    assert store.cache.get("ns:grant:a") == '{"b": 1}'


@pytest.mark.parametrize("lifetime", [0, -0.5, -1, -1.5, -2.5, -1000])
def test_record_that_has_ended_is_not_kept_for_ever(store: Store, lifetime: float) -> None:
    """To a cache no seconds mean for ever, and fewer are an error."""
    kept: list[int] = []

    def keep(_key: str, _value: str, timeout: int) -> bool:
        kept.append(timeout)
        return True

    store.cache.set = keep  # type: ignore[method-assign,assignment]
    store.put("grant", "a", 1, lifetime)
    assert kept == [1]


def test_memcached_gives_bytes_back() -> None:
    """Some clients return bytes for text."""
    store = Store(SimpleCache(), "ns")
    store.cache.set("ns:grant:a", b'{"b": 1}')
    assert store.get("grant", "a", same) == {"b": 1}


def test_record_is_taken_once(store: Store) -> None:
    """The second caller gets nothing."""
    store.put("login", "a", 1, 60)
    assert store.take("login", "a", same) == 1
    assert store.take("login", "a", same) is None
    assert store.get("login", "a", same) is None


def test_one_of_many_callers_takes_it(store: Store) -> None:
    """Of eight threads at once one gets the record, in every round."""
    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            name = str(number)
            store.put("login", name, number, 60)
            barrier = threading.Barrier(8)

            def take(name: str = name, barrier: threading.Barrier = barrier) -> Any:
                barrier.wait()
                return store.take("login", name, same)

            taken = [future.result() for future in [pool.submit(take) for _ in range(8)]]
            assert [value for value in taken if value is not None] == [number]


def test_file_that_is_claimed_elsewhere_is_not_taken(tmp_path: Path) -> None:
    """A mark of another process keeps a record from being taken; no mark is left behind."""
    store = Store(FileSystemCache(str(tmp_path)), "ns")
    store.put("login", "a", 1, 60)
    [file] = [path for path in tmp_path.iterdir() if "{" not in path.name][:1]
    del file
    path = Path(store.cache._get_filename("ns:login:a"))  # type: ignore[attr-defined]
    mark = path.with_name(path.name + ".taken.__wz_cache")
    os.link(path, mark)
    assert store.take("login", "a", same) is None
    mark.unlink()
    assert store.take("login", "a", same) == 1
    assert not list(tmp_path.glob("*.taken*"))


def test_file_that_goes_while_it_is_read_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another caller may finish between our open and our link."""
    store = Store(FileSystemCache(str(tmp_path)), "ns")
    store.put("login", "a", 1, 60)

    def gone(source: str, target: str) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(os, "link", gone)
    assert store.take("login", "a", same) is None


def test_file_system_without_hard_links_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that cannot link is an error that says so, not an unknown state."""
    store = Store(FileSystemCache(str(tmp_path)), "ns")
    store.put("login", "a", 1, 60)

    def refuse(source: str, target: str) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreUnavailable):
        store.take("login", "a", same)
    assert "hard links" in caplog.text


def test_broken_file_is_no_record_and_leaves_no_mark(tmp_path: Path) -> None:
    """A file that cannot be unpickled is taken for nothing."""
    store = Store(FileSystemCache(str(tmp_path)), "ns")
    store.put("login", "a", 1, 60)
    path = Path(store.cache._get_filename("ns:login:a"))  # type: ignore[attr-defined]
    path.write_bytes(path.read_bytes()[:4] + b"garbage")
    assert store.take("login", "a", same) is None
    assert not list(tmp_path.glob("*.taken*"))


def test_file_that_cannot_be_removed_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A logout that did not happen is not told to have happened, and no state is lost."""
    store = Store(FileSystemCache(str(tmp_path)), "ns")
    store.put("login", "a", 1, 60)

    def refuse(path: str) -> None:
        raise PermissionError

    with monkeypatch.context() as broken:
        broken.setattr(os, "remove", refuse)
        with pytest.raises(StoreUnavailable):
            store.drop("login", "a")
        with pytest.raises(StoreUnavailable):
            store.take("login", "a", same)
    assert store.take("login", "a", same) == 1


def test_count_of_files_stays_right(tmp_path: Path) -> None:
    """Taking a record keeps the file cache's count, by which it prunes."""
    store = Store(FileSystemCache(str(tmp_path)), "ns")
    for number in range(5):
        store.put("login", str(number), number, 60)
        store.take("login", str(number), same)
    assert store.cache._file_count == 0  # type: ignore[attr-defined]


class Failing(SimpleCache):
    """A cache that raises in one method."""

    def __init__(self, method: str, problem: Callable[[], Any]) -> None:
        super().__init__()
        setattr(self, method, lambda *_: problem())


def boom() -> None:
    """Raise what a client might, with an address in its text."""
    raise ConnectionError("redis://:password@10.0.0.1")


@pytest.mark.parametrize("method", ["get", "set", "delete"])
def test_failure_is_store_unavailable(method: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a cache raises is one error; its text is not logged."""
    store = Store(SimpleCache(), "ns")
    store.cache = Failing(method, boom)
    store.cache.set("ns:grant:a", "1") if method != "set" else None
    use = store.put if method == "set" else lambda kind, name, *_: store.take(kind, name, same)
    with pytest.raises(StoreUnavailable) as caught:
        use("grant", "a", 1, 60)
    assert caught.value.__suppress_context__
    assert "password" not in caplog.text
    assert "ConnectionError" in caplog.text


@pytest.mark.parametrize("answer", [False, None, 0])
def test_write_that_is_not_taken_is_a_failure(answer: Any) -> None:
    """A cache that is full may only say so by its answer."""
    store = Store(SimpleCache(), "ns")
    store.cache = Failing("set", lambda: answer)
    with pytest.raises(StoreUnavailable):
        store.put("grant", "a", 1, 60)


@pytest.mark.parametrize("text", ["{", b"\xff", 7, ["x"], "7", '"text"'])
def test_broken_record_is_none(text: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A broken record counts as none, and the log does not show it."""
    store = Store(SimpleCache(), "ns")
    store.cache.set("ns:grant:a", text)
    assert store.get("grant", "a", dict) is None
    assert "cannot be read" in caplog.text
    assert "xff" not in caplog.text


@pytest.mark.parametrize("cache", [NullCache(), Failing("delete", lambda: True)], indirect=False)
def test_cache_that_cannot_tell_is_refused(cache: BaseCache) -> None:
    """A delete() that always says yes would let two callers take one state."""
    with pytest.raises(ConfigError, match="ALTDENTIFIER_STORE"):
        Store(cache, "ns")


@pytest.mark.parametrize("answer", [None, False, True])
def test_cache_that_says_one_thing_only_is_refused(answer: bool | None) -> None:
    """A delete() that always says the same tells nothing."""

    class Silent(SimpleCache):
        """Removes, and does not tell."""

        def delete(self, key: str) -> Any:
            super().delete(key)
            return answer

    with pytest.raises(ConfigError, match="Silent cannot be ALTDENTIFIER_STORE"):
        make_app(ALTDENTIFIER_STORE=Silent())


def test_workers_try_the_store_with_keys_of_their_own() -> None:
    """Workers that start at the same moment do not remove each other's records."""
    done: list[tuple[str, str]] = []
    lifetimes: list[float] = []

    class Watched(SimpleCache):
        """Notes what is done with which key."""

        def set(self, key: str, value: Any, timeout: Any = None) -> Any:
            done.append(("set", key))
            lifetimes.append(timeout)
            return super().set(key, value, timeout)

        def delete(self, key: str) -> bool:
            done.append(("delete", key))
            return super().delete(key)

    cache = Watched()
    Store(cache, "ns")
    Store(cache, "ns")
    keys = [key for _, key in done]
    assert [name for name, _ in done] == ["delete", "set", "delete"] * 2
    assert keys == [keys[0]] * 3 + [keys[3]] * 3
    assert keys[0] != keys[3]
    assert all(re.fullmatch("ns:probe:[0-9a-f]{32}", key) for key in keys)
    assert not cache._cache
    assert min(lifetimes) >= 60  # a worker may be held between the two


def test_full_store_is_no_mistake() -> None:
    """A store that takes nothing when a worker starts is not refused, and can be read."""

    class Full(SimpleCache):
        """Takes nothing."""

        full = False

        def set(self, *args: Any, **options: Any) -> Any:
            return not self.full and super().set(*args, **options)

    cache = Full(threshold=100_000)
    member = make_app(ALTDENTIFIER_STORE=cache).test_client()
    log_in(member)
    cache.full = True
    later = make_app(ALTDENTIFIER_STORE=cache).test_client()
    for name, value in cookies_of(member).items():
        later.set_cookie(name, value)
    assert later.get("/me").status_code == 200
    assert reason(later.get("/login")) == "store_unavailable"


def test_cache_that_cannot_tell_stops_the_registration() -> None:
    """A store that is named in the config is tried when the blueprint is registered."""
    with pytest.raises(ConfigError, match="NullCache cannot be ALTDENTIFIER_STORE"):
        make_app(ALTDENTIFIER_STORE=NullCache())


def test_store_that_is_down_at_the_start_is_tried_again() -> None:
    """An app starts without its store, answers 503, and works when it is back."""
    store = SimpleCache()
    store.delete = lambda key: boom()  # type: ignore[method-assign,assignment,return-value]
    app = make_app(ALTDENTIFIER_STORE=store)
    client = app.test_client()
    assert reason(client.get("/login")) == "store_unavailable"
    del store.delete
    assert log_in(client).status_code == 303


def test_values_are_not_pickled_objects(store: Store) -> None:
    """What the cache pickles is a string and nothing else."""
    store.put("grant", "a", {"b": 1}, 60)
    if isinstance(store.cache, SimpleCache):
        [(_, kept)] = store.cache._cache.values()
        assert pickle.loads(kept) == '{"b": 1}'


@pytest.mark.parametrize("prefix", ["", "a", "altdentifier", "altdentifier:"])
def test_session_prefix_that_reaches_our_records_is_refused(prefix: str) -> None:
    """A session cookie must not be able to name a record of ours."""
    with pytest.raises(ConfigError, match="SESSION_KEY_PREFIX"):
        namespace("id", prefix)
    with pytest.raises(ConfigError, match="SESSION_KEY_PREFIX"):
        make_app(SESSION_KEY_PREFIX=prefix)


def test_namespace_tells_apps_apart() -> None:
    """Client id and session prefix both count."""
    names = {namespace("a", "session:"), namespace("b", "session:"), namespace("a", "s2:")}
    assert len(names) == 3
    assert all(name.startswith("altdentifier:") for name in names)


def test_hash_hides() -> None:
    """A record's name does not give its secret away."""
    assert hashed("secret") == hashed("secret") != hashed("Secret")
    assert "secret" not in hashed("secret")


# The store fails while somebody logs in: nothing is half done


class Broken(SimpleCache):
    """A cache that fails while `down`."""

    down = False

    def _check(self) -> None:
        if self.down:
            boom()

    def get(self, key: str) -> Any:
        self._check()
        return super().get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        self._check()
        return super().set(key, value, timeout)

    def delete(self, key: str) -> bool:
        self._check()
        return super().delete(key)


def test_store_down() -> None:
    """Each route that needs the store answers 503; all works when it is back."""
    store = Broken(threshold=100_000)
    app = make_app(ALTDENTIFIER_STORE=store)
    client = app.test_client()
    log_in(client)
    state = begin(client)
    before = cookies_of(client)
    store.down = True
    for response in (
        client.get("/login"),
        finish(client, state),
        client.get("/me"),
        client.post("/logout"),
    ):
        assert (response.status_code, reason(response)) == (503, "store_unavailable")
    assert client.get("/").text == "hello"
    assert cookies_of(client) == before
    assert client.get("/callback").status_code == 503
    assert app.test_client().get("/callback").status_code == 400
    store.down = False
    assert client.get("/me").status_code == 200
    assert finish(client, state).status_code == 303


def test_session_server_down() -> None:
    """Where only the sessions' server fails, the id cannot change, so nobody is logged in."""
    app = make_app(ALTDENTIFIER_STORE=SimpleCache())
    app.add_url_rule("/fill", "fill", lambda: session.setdefault("a", "b"))
    client = app.test_client()
    client.get("/fill")
    state = begin(client)
    app.session_interface.regenerate = lambda session: boom()  # type: ignore[attr-defined]
    assert reason(finish(client, state)) == "store_unavailable"
    assert client.get("/me").status_code == 401


def test_logout_with_the_session_server_down() -> None:
    """Where the id of the session cannot change, all stays as it was, and a second try works."""
    app = make_app(ALTDENTIFIER_STORE=SimpleCache())
    app.add_url_rule("/fill", "fill", lambda: session.setdefault("a", "b"))
    client = app.test_client()
    log_in(client)
    client.get("/fill")
    state = begin(client)
    client.delete_cookie(next(name for name in cookies_of(client) if "_state_" in name))
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(app.session_interface, "regenerate", lambda session: boom())
        assert reason(client.post("/logout")) == "store_unavailable"
    assert client.get("/me").status_code == 200
    assert client.post("/logout").status_code == 303
    assert finish(client, state).status_code == 303  # which the session alone vouches for


@pytest.mark.parametrize("operation", range(1, 20))
def test_each_operation_of_a_second_login_may_fail(operation: int) -> None:
    """Whichever operation of the store fails, the browser has its old login or its new one."""
    store = Broken(threshold=100_000)
    app = make_app(ALTDENTIFIER_STORE=store)
    client = app.test_client()
    log_in(client)
    state = begin(client)
    count = 0

    def failing() -> None:
        nonlocal count
        count += 1
        if count == operation:
            boom()

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(store, "_check", failing)
        response = finish(client, state)
    assert response.status_code == (303 if count < operation else 503)
    assert client.get("/me").status_code == 200
    assert len(altdentifier(app).requests) <= 2
    assert log_in(client).status_code == 303


def test_error_page_asks_the_store_once(tmp_path: Path) -> None:
    """A page about a store that is down may read `current_grant`."""
    store = Broken(threshold=100_000)
    app = make_app(ALTDENTIFIER_STORE=store)
    (tmp_path / "altdentifier").mkdir()
    page = tmp_path / "altdentifier" / "error.html"
    page.write_text("{{ error.reason }} {{ 'in' if current_grant else 'out' }}")
    app.template_folder = str(tmp_path)
    app.jinja_env.globals["current_grant"] = current_grant
    client = app.test_client()
    log_in(client)
    store.down = True
    response = client.get("/me", headers=PAGE)
    assert (response.status_code, response.text) == (503, "store_unavailable out")


def test_bare_app_has_no_store() -> None:
    """The store is made for apps with the extension only."""
    assert "altdentifier" not in bare_app().extensions
