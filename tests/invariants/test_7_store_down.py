"""Invariant 7: without the store all stays closed, nothing is half done, and then it goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeAlias

import pytest

from .browser import Connection, callback, new_code
from .harness import ROUNDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from .browser import Browser, Reply
    from .harness import Site

#: What breaks Redis, and what mends it.
Harm: TypeAlias = "tuple[Callable[[Site], None], Callable[[Site], None]]"
#: Seconds in which 503 must have come.
AT_ONCE = 2.0
HARMS: dict[str, Harm] = {
    "killed": (lambda site: site.redis.kill(), lambda site: site.redis.start()),
    "stopped": (lambda site: site.redis.stop(), lambda site: site.redis.resume()),
}
#: Each harm takes seconds to look at: fewer rounds than a race.
FEW_ROUNDS = ROUNDS[: max(1, len(ROUNDS) // 5)]

harms = pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)


class Harmed:
    """Redis is down in the `with` block, and back after it."""

    def __init__(self, site: Site, harm: Harm) -> None:
        self.site = site
        self.begin, self.end = harm

    def __enter__(self) -> None:
        self.begin(self.site)

    def __exit__(self, *_: object) -> None:
        self.end(self.site)


def assert_unavailable(reply: Reply) -> None:
    """Assert that the reply is 503 `StoreUnavailable`, came at once, and changes no cookie."""
    assert reply.status == 503, reply
    assert "store_unavailable" in reply.body
    assert reply.seconds < AT_ONCE
    assert reply.set_cookies == []


def without_session(browser: Browser) -> Browser:
    """Take the session cookie away, with which Flask-Session would fail before us."""
    browser.jar.forget("session")
    return browser


def assert_works(site: Site) -> None:
    """Assert that a new browser can log in and out, whichever process answers."""
    for _ in range(4):
        browser = site.browser()
        code = browser.log_in()
        assert browser.token() == site.provider.tokens[code]
        assert site.provider.requests[code] == 1
        browser.log_out()
        assert browser.token() is None


@harms
def test_routes(frail: Site, harm: Harm) -> None:
    """Each route answers 503 at once, a protected view stays closed, and no code is sent."""
    for _ in FEW_ROUNDS:
        begun, member, code = frail.browser(), frail.browser(), new_code()
        state = without_session(begun).begin()
        without_session(begun)
        without_session(member).log_in()
        before = member.jar.copy()
        with Harmed(frail, harm):
            assert_unavailable(frail.browser().visit("GET", "/login"))
            assert_unavailable(begun.visit("GET", callback(state, code)))
            assert_unavailable(member.visit("GET", "/me"))
            assert_unavailable(member.visit("POST", "/logout"))
            assert_unavailable(member.visit("POST", "/leave"))
            assert frail.browser().visit("GET", "/me").status == 401
            assert frail.browser().visit("GET", "/whoami").status == 200
        assert frail.provider.requests[code] == 0
        assert member.jar.header() == before.header()
        assert_works(frail)


@harms
def test_login_with_a_session(frail: Site, harm: Harm) -> None:
    """With a session cookie too nothing is half done, whoever answers with an error."""
    for _ in FEW_ROUNDS:
        browser, code = frail.browser(), new_code()
        browser.visit("GET", "/cart/apples")
        state = browser.begin()
        with Harmed(frail, harm):
            for path in ["/login", callback(state, code), "/me"]:
                reply = browser.visit("GET", path)
                assert reply.status in {500, 503}
                assert reply.seconds < AT_ONCE
        assert frail.provider.requests[code] == 0
        assert browser.token() is None
        browser.log_in()
        assert browser.token() is not None


@harms
def test_down_during_the_exchange(frail: Site, harm: Harm) -> None:
    """Redis goes while the code is exchanged: 503, no login, and the code is not sent again."""
    for _ in FEW_ROUNDS:
        browser, code = frail.browser(), new_code()
        state = browser.begin()
        begun = without_session(browser).jar.copy()
        gate = frail.provider.hold(code)
        connection = Connection(browser.path)
        connection.sock.sendall(browser.request("GET", callback(state, code)))
        assert gate.arrived.wait(timeout=10)
        with Harmed(frail, harm):
            gate.open()
            reply = connection.read()
            connection.close()
            assert (reply.status, "store_unavailable" in reply.body) == (503, True)
            assert reply.seconds < AT_ONCE
            browser.jar.receive(reply.set_cookies)
            assert browser.jar.login_id is None
            assert_unavailable(browser.ask("GET", callback(state, code), begun))
        assert browser.ask("GET", callback(state, code), begun).status == 400
        assert browser.token() is None
        assert frail.provider.requests[code] == 1
        browser.log_in()
        assert browser.token() is not None


@harms
def test_down_between_login_and_callback(frail: Site, harm: Harm) -> None:
    """Redis was away: the callback finishes, or asks to start again where Redis forgot."""
    for _ in FEW_ROUNDS:
        browser, code = frail.browser(), new_code()
        state = browser.begin()
        with Harmed(frail, harm):
            time.sleep(0.1)
        reply = browser.visit("GET", callback(state, code))
        assert (reply.status, frail.provider.requests[code]) in {(303, 1), (400, 0)}
        assert (browser.token() is not None) == (reply.status == 303)
        browser.log_in()
        assert browser.token() is not None


@harms
def test_logout_that_failed(frail: Site, harm: Harm) -> None:
    """A logout that got 503 can be done again, and is final then."""
    for _ in FEW_ROUNDS:
        browser = frail.browser()
        browser.log_in()
        before = without_session(browser).jar.copy()
        with Harmed(frail, harm):
            assert_unavailable(browser.visit("POST", "/logout"))
        browser.log_out()
        assert browser.token() is None
        assert browser.token(before) is None


def test_eight_requests_at_once_while_stopped(frail: Site) -> None:
    """Eight requests at one moment wait for a stopped Redis together, not one after the other."""
    fleet = frail.fleet()
    for _ in FEW_ROUNDS:
        requests = [frail.browser().request("GET", "/login")] * 8
        with Harmed(frail, HARMS["stopped"]):
            for reply in fleet.volley(requests):
                assert_unavailable(reply)


def test_first_requests_while_stopped(frail: Site) -> None:
    """The first eight requests that an app ever gets wait together too, and it works later."""
    fleet = frail.fleet()
    browser = frail.browser("brief.test")
    with Harmed(frail, HARMS["stopped"]):
        for reply in fleet.volley([browser.request("GET", "/login")] * 8):
            assert_unavailable(reply)
    browser.log_in()


def test_full(frail: Site) -> None:
    """A full Redis: no login begins, no code is sent, protected views and logouts work."""
    for _ in FEW_ROUNDS:
        begun, member, code = frail.browser(), frail.browser(), new_code()
        state = begun.begin()
        without_session(begun)
        kept = without_session(member).log_in()
        before = member.jar.copy()
        frail.redis.fill()
        try:
            assert_unavailable(frail.browser().visit("GET", "/login"))
            reply = begun.visit("GET", callback(state, code))
            assert (reply.status, "store_unavailable" in reply.body) == (503, True)
            assert frail.provider.requests[code] == 0
            assert member.token() == frail.provider.tokens[kept]
            member.log_out()
            assert member.token(before) is None
        finally:
            frail.redis.empty()
        assert_works(frail)


def test_full_with_a_session(frail: Site) -> None:
    """A full Redis whose sessions cannot be saved either: still no code is sent."""
    for _ in FEW_ROUNDS:
        browser, code = frail.browser(), new_code()
        browser.visit("GET", "/cart/apples")
        state = browser.begin()
        frail.redis.fill()
        try:
            assert browser.visit("GET", callback(state, code)).status in {500, 503}
        finally:
            frail.redis.empty()
        assert frail.provider.requests[code] == 0
        assert browser.token() is None
        browser.log_in()
        assert browser.token() is not None


def test_full_during_the_exchange(frail: Site) -> None:
    """Redis is full when the grant comes: 503, no login, no second token request."""
    for _ in FEW_ROUNDS:
        browser, code = frail.browser(), new_code()
        state = browser.begin()
        without_session(browser)
        gate = frail.provider.hold(code)
        connection = Connection(browser.path)
        connection.sock.sendall(browser.request("GET", callback(state, code)))
        assert gate.arrived.wait(timeout=10)
        frail.redis.fill()
        try:
            gate.open()
            reply = connection.read()
            connection.close()
        finally:
            frail.redis.empty()
        assert reply.status == 503
        assert browser.token() is None
        assert browser.visit("GET", callback(state, code)).status == 400
        assert frail.provider.requests[code] == 1
        browser.log_in()


def test_worker_killed_during_the_exchange(fragile: Site) -> None:
    """The process dies between the state and the grant: the state is used, a new login works."""
    for _ in FEW_ROUNDS:
        browser, code = fragile.browser(), new_code()
        member = fragile.browser()
        kept = member.log_in()
        state = browser.begin()
        gate = fragile.provider.hold(code)
        connection = Connection(browser.path)
        process = connection.exchange(browser.request("GET", "/whoami")).process
        connection.sock.sendall(browser.request("GET", callback(state, code)))
        assert gate.arrived.wait(timeout=10)
        fragile.kill_worker(process)
        gate.open()
        with pytest.raises((ConnectionError, OSError)):
            connection.read()
        connection.close()
        assert browser.visit("GET", callback(state, code)).status == 400
        assert browser.token() is None
        assert fragile.provider.requests[code] == 1
        assert member.token() == fragile.provider.tokens[kept]
        assert_works(fragile)


def test_workers_killed_at_any_moment(fragile: Site) -> None:
    """A process that dies anywhere in a login sends no code twice and opens nothing."""
    for number in ROUNDS[: max(3, len(ROUNDS) // 3)]:
        browser, code = fragile.browser(), new_code()
        connection = Connection(browser.path)
        process = connection.exchange(browser.request("GET", "/whoami")).process
        state = browser.begin()
        connection.sock.sendall(browser.request("GET", callback(state, code)))
        time.sleep(number * 0.001)
        fragile.kill_worker(process)
        try:
            browser.jar.receive(connection.read().set_cookies)
        except OSError:
            assert browser.token() is None
        connection.close()
        browser.visit("GET", callback(state, code))
        browser.visit("GET", callback(state, code))
        assert fragile.provider.requests[code] <= 1
        assert browser.token() in {None, fragile.provider.tokens.get(code)}
        assert_works(fragile)
