"""Invariant 1: a state is consumed at most once, so at most one token request is sent for it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from .browser import callback, new_code
from .harness import ROUNDS

if TYPE_CHECKING:
    from .browser import Browser, Fleet, Reply
    from .harness import Site

#: What is lost of the cookies between the beginning of the login and its end.
LOST = {"nothing": (), "the session": ("session",), "the cookies that vouch": ("_state_",)}


def assert_one_login(browser: Browser, replies: list[Reply]) -> None:
    """Assert that one reply alone leads on with a login, whichever comes last."""
    assert [reply.status for reply in replies if reply.location == "/next"] == [303]
    random.shuffle(replies)
    for reply in replies:
        browser.jar.receive(reply.set_cookies)
    assert browser.token() is not None


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_eight_callbacks_at_once(site: Site, fleet: Fleet, lost: tuple[str, ...]) -> None:
    """Of eight callbacks at one moment in two processes, one sends a token request."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.begin()
        browser.jar.forget(*lost)
        replies = fleet.volley([browser.request("GET", callback(state, code))] * 8)
        assert site.provider.requests[code] == 1
        assert sorted(reply.status for reply in replies) == [303] + [400] * 7
        assert len({reply.process for reply in replies}) == 2
        assert_one_login(browser, replies)
        assert browser.token() == site.provider.tokens[code]


def test_eight_codes_for_one_state(site: Site, fleet: Fleet) -> None:
    """Of eight callbacks with one state and a code each, one code is sent."""
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code() for _ in range(8)]
        state = browser.begin()
        replies = fleet.volley([browser.request("GET", callback(state, code)) for code in codes])
        assert sum(site.provider.requests[code] for code in codes) == 1
        assert_one_login(browser, replies)


def test_eight_callbacks_of_who_is_logged_in(site: Site, fleet: Fleet) -> None:
    """A second login is finished once too, and ends the first; the other clicks lead home."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        browser.visit("GET", "/cart/apples")
        browser.log_in()
        before = browser.jar.copy()
        state = browser.begin()
        replies = fleet.volley([browser.request("GET", callback(state, code))] * 8)
        assert site.provider.requests[code] == 1
        for reply in replies:
            assert (reply.status, reply.location) in {
                (303, "/next"),
                (303, "/after-login"),
                (400, None),
            }
        assert_one_login(browser, replies)
        assert browser.token() == site.provider.tokens[code]
        assert browser.token(before) is None


def test_good_and_bad_callbacks_at_once(site: Site, fleet: Fleet) -> None:
    """A callback with an error that races one with a code: the state counts for one of them."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.begin()
        good = browser.request("GET", callback(state, code))
        bad = browser.request("GET", f"/callback?error=access_denied&state={state}")
        replies = fleet.volley([good, bad] * 4)
        denied = [reply.status for reply in replies].count(403)
        assert site.provider.requests[code] + denied == 1


def test_later_callbacks(site: Site) -> None:
    """A state that was used gets nothing later, whatever jar of its browser comes with it."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.begin()
        begun = browser.jar.copy()
        browser.visit("GET", callback(state, code))
        again = browser.ask("GET", callback(state, code))
        assert (again.status, again.location) == (303, "/after-login")
        assert browser.ask("GET", callback(state, code), begun).status == 400
        browser.log_out()
        assert browser.ask("GET", callback(state, code)).status == 400
        assert browser.ask("GET", callback(state, code), begun).status == 400
        assert site.provider.requests[code] == 1
