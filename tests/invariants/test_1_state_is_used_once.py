"""Invariant 1: a state is consumed at most once, so at most one token request is sent for it."""

from __future__ import annotations

import random

import pytest

from .browser import Browser, Fleet, Reply, callback, new_code
from .site import ROUNDS, Site


def assert_one_login(browser: Browser, replies: list[Reply]) -> None:
    """Exactly one response leads to `next`, and its login works, whichever comes last."""
    assert [reply.status for reply in replies if reply.location == "/next"] == [303]
    browser.receive(random.sample(replies, len(replies)))
    assert browser.token() is not None


@pytest.mark.parametrize("lost", ["nothing", "session"])
def test_eight_callbacks_at_once(site: Site, fleet: Fleet, lost: str) -> None:
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.start()
        browser.jar.forget(lost)
        replies = fleet.volley([browser.request("GET", callback(state, code))] * 8)
        assert site.provider.requests[code] == 1
        assert sorted(reply.status for reply in replies) == [303] + [400] * 7
        assert len({reply.process for reply in replies}) == 2
        assert_one_login(browser, replies)
        assert browser.token() == site.provider.tokens[code]


def test_eight_codes_for_one_state(site: Site, fleet: Fleet) -> None:
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code() for _ in range(8)]
        state = browser.start()
        replies = fleet.volley([browser.request("GET", callback(state, code)) for code in codes])
        assert sum(site.provider.requests[code] for code in codes) == 1
        assert_one_login(browser, replies)


def test_eight_callbacks_of_a_logged_in_browser(site: Site, fleet: Fleet) -> None:
    """A second login is finished once too, and ends the first. The other clicks go home."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        browser.visit("GET", "/cart/apples")
        browser.log_in()
        before = browser.jar.copy()
        state = browser.start()
        replies = fleet.volley([browser.request("GET", callback(state, code))] * 8)
        assert site.provider.requests[code] == 1
        places = {(reply.status, reply.location) for reply in replies}
        assert places <= {(303, "/next"), (303, "/after-login"), (400, None)}
        assert_one_login(browser, replies)
        assert browser.token() == site.provider.tokens[code]
        assert browser.token(before) is None


def test_code_and_error_at_once(site: Site, fleet: Fleet) -> None:
    """Of callbacks with a code and callbacks with an error, one counts."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.start()
        good = browser.request("GET", callback(state, code))
        denied = browser.request("GET", f"/callback?error=access_denied&state={state}")
        replies = fleet.volley([good, denied] * 4)
        statuses = [reply.status for reply in replies]
        assert site.provider.requests[code] + statuses.count(403) == 1


def test_used_state_is_rejected(site: Site) -> None:
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.start()
        started = browser.jar.copy()
        browser.finish(state, code)
        assert browser.finish(state, code).location == "/after-login"
        assert browser.ask("GET", callback(state, code), started).status == 400
        browser.log_out()
        assert browser.finish(state, code).status == 400
        assert browser.ask("GET", callback(state, code), started).status == 400
        assert site.provider.requests[code] == 1
