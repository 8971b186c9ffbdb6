"""Invariant 7: while the store is down all stays closed, nothing is half done, and then it works.

Some harms leave parts of the store at work: SQLite that is locked can be read, and Redis that is
full can delete too.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass

import pytest
import redis

from .browser import Answer, Connection, callback, new_code, request_bytes
from .conftest import Sites
from .site import ROUNDS, Site

#: Seconds within which the 503 must come. The best of a few counts, because tests share machines.
LIMIT = 2.0
#: Each harm takes seconds.
FEW_ROUNDS = range(max(1, len(ROUNDS) // 5))


@contextmanager
def killed(site: Site) -> Iterator[None]:
    server = site.backend.server
    assert server is not None
    server.kill()
    yield
    server.start()


@contextmanager
def stopped(site: Site) -> Iterator[None]:
    """The server hangs: it accepts connections and answers nothing."""
    server = site.backend.server
    assert server is not None
    server.stop()
    yield
    server.resume()


@contextmanager
def full(site: Site) -> Iterator[None]:
    with redis.Redis.from_url(site.backend.url) as client:
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "0")


@contextmanager
def gone(site: Site) -> Iterator[None]:
    """The file's directory is gone, as if it had been unmounted."""
    directory = site.backend.file.parent
    hidden = directory.with_suffix(".hidden")
    directory.rename(hidden)
    yield
    hidden.rename(directory)


@contextmanager
def locked(site: Site) -> Iterator[None]:
    """Another process writes, and does not come to an end."""
    with closing(sqlite3.connect(site.backend.file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@dataclass(frozen=True)
class Harm:
    """What harms a store, what the store still does, and whether it has forgotten all."""

    store: str
    apply: Callable[[Site], AbstractContextManager[None]]
    reads: bool = False
    deletes: bool = False
    forgets: bool = False


HARMS = [
    Harm("sqlite", gone),
    Harm("sqlite", locked, reads=True),
    Harm("redis", killed, forgets=True),
    Harm("redis", stopped),
    Harm("redis", full, reads=True, deletes=True),
    Harm("postgres", killed),
    Harm("postgres", stopped),
]
harms = pytest.mark.parametrize("harm", HARMS, ids=lambda h: f"{h.store}-{h.apply.__name__}")


def assert_unavailable(*answers: Answer) -> None:
    """503, and of the extension's cookies, only that of a used state may be deleted."""
    for answer in answers:
        assert (answer.status, "store_unavailable" in answer.body) == (503, True), answer
        for cookie in answer.set_cookies:
            assert "altdentifier" not in cookie or ("_state_" in cookie and "Max-Age=0" in cookie)


def assert_works(site: Site) -> None:
    """A new login works, whichever process answers."""
    for _ in range(4):
        browser = site.browser()
        code = browser.log_in()
        assert browser.token() == site.provider.tokens[code]
        browser.post("/logout")
        assert browser.token() is None


@harms
def test_pages_that_need_the_store_get_a_503_in_time(frail_sites: Sites, harm: Harm) -> None:
    site = frail_sites(harm.store)
    for _ in FEW_ROUNDS:
        pending, member, code = site.browser(), site.browser(), new_code()
        pending.get("/cart/apples")
        state, kept = pending.start(), member.log_in()
        before = member.jar.copy()
        with harm.apply(site):
            answers = [site.browser().get("/login"), pending.finish(state, code)]
            answers += [] if harm.reads else [member.get("/me")]
            answers += [] if harm.deletes else [member.post("/logout"), member.post("/leave")]
            assert_unavailable(*answers)
            assert min(answer.seconds for answer in answers) < LIMIT
            assert not harm.reads or member.token() == site.provider.tokens[kept]
            assert site.browser().get("/me").status == 401
            assert site.browser().get("/whoami").status == 200
            assert [pending.get(path).status for path in ("/cart", "/cart/pears")] == [200, 503]
        assert site.provider.requests[code] == 0
        assert member.jar.header() == before.header()
        # A logout that timed out may have reached the server.
        assert member.token() in {site.provider.tokens[kept], None}
        assert pending.finish(state, code).status in {303, 400}
        member.post("/logout")
        assert (member.token(), member.token(before)) == (None, None)
        assert_works(site)


@harms
def test_down_during_the_exchange(frail_sites: Sites, harm: Harm) -> None:
    """503, no login, the session stays, and the code is not sent again."""
    site = frail_sites(harm.store)
    for _ in FEW_ROUNDS:
        browser, code = site.browser(), new_code()
        browser.get("/cart/apples")
        state = browser.start()
        gate = site.provider.hold(code)
        connection = browser.send(callback(state, code))
        assert gate.arrived.wait(30)
        with harm.apply(site):
            gate.open()
            assert_unavailable(connection.read())
            connection.close()
        assert browser.finish(state, code).status == 400
        assert browser.token() is None
        assert site.provider.requests[code] == 1
        assert browser.get("/cart").body == ("None" if harm.forgets else "apples")
        browser.log_in()


@harms
def test_eight_requests_wait_together(frail_sites: Sites, harm: Harm) -> None:
    """Not one after the other: the time of the last counts. Then it works in new processes too."""
    site = frail_sites(harm.store)
    fleet, slowest = site.fleet(), [LIMIT]
    with harm.apply(site):
        while len(slowest) < 4 and min(slowest) >= LIMIT:
            answers = fleet.volley([request_bytes("GET", "/login")] * 8)
            assert_unavailable(*answers)
            slowest.append(max(answer.seconds for answer in answers))
        for process in {connection.process for connection in fleet.connections}:
            assert process  # 0 would be the process group of the tests
            os.kill(process, signal.SIGKILL)
        assert_unavailable(site.browser().get("/login"))
    assert min(slowest) < LIMIT
    assert_works(site)


@pytest.mark.parametrize("store", ["sqlite", "redis", "postgres"])
def test_process_killed_during_the_exchange(frail_sites: Sites, store: str) -> None:
    site = frail_sites(store)
    for _ in FEW_ROUNDS:
        browser, member, code = site.browser(), site.browser(), new_code()
        kept, state = member.log_in(), browser.start()
        gate = site.provider.hold(code)
        connection = Connection(site.socket)
        connection.send(browser.request("/whoami"))
        process = connection.read().process
        assert process
        connection.send(browser.request(callback(state, code)))
        assert gate.arrived.wait(30)
        os.kill(process, signal.SIGKILL)
        gate.open()
        with pytest.raises(ConnectionError):
            connection.read()
        connection.close()
        assert browser.finish(state, code).status == 400
        assert browser.token() is None
        assert site.provider.requests[code] == 1
        assert member.token() == site.provider.tokens[kept]
        assert_works(site)
