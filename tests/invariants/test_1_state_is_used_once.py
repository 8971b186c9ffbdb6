"""Invariant 1: a state is consumed at most once, so at most one token request is sent for it."""

from __future__ import annotations

import random

import pytest

from .browser import Answer, Browser, Fleet, callback, new_code
from .site import ROUNDS, Site


def assert_one_login(browser: Browser, answers: list[Answer]) -> None:
    """Exactly one response leads to `next`, and its login works, whichever comes last."""
    assert [answer.status for answer in answers if answer.location == "/next"] == [303]
    browser.receive(*random.sample(answers, len(answers)))
    assert browser.token() is not None


@pytest.mark.parametrize("lost", ["nothing", "session"])
def test_eight_callbacks_at_once(site: Site, fleet: Fleet, lost: str) -> None:
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.start()
        started = browser.jar.copy()
        browser.jar.forget(lost)
        answers = fleet.volley([browser.request(callback(state, code))] * 8)
        assert sorted(answer.status for answer in answers) == [303] + [400] * 7
        assert len({answer.process for answer in answers}) == 2
        assert_one_login(browser, answers)
        assert browser.token() == site.provider.tokens[code]
        assert browser.finish(state, code).location == "/after-login"
        assert browser.ask(callback(state, code), started).status == 400
        assert site.provider.requests[code] == 1


def test_eight_codes_for_one_state(site: Site, fleet: Fleet) -> None:
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code() for _ in range(8)]
        state = browser.start()
        answers = fleet.volley([browser.request(callback(state, code)) for code in codes])
        assert sum(site.provider.requests[code] for code in codes) == 1
        assert_one_login(browser, answers)


def test_eight_callbacks_of_a_logged_in_browser(site: Site, fleet: Fleet) -> None:
    """A second login is finished once too, and ends the first. The other clicks go home."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        browser.get("/cart/apples")
        browser.log_in()
        before = browser.jar.copy()
        state = browser.start()
        answers = fleet.volley([browser.request(callback(state, code))] * 8)
        assert site.provider.requests[code] == 1
        places = {(answer.status, answer.location) for answer in answers}
        assert places <= {(303, "/next"), (303, "/after-login"), (400, None)}
        assert_one_login(browser, answers)
        assert browser.token() == site.provider.tokens[code]
        assert browser.token(before) is None


def test_code_and_error_at_once(site: Site, fleet: Fleet) -> None:
    """Of callbacks with a code and callbacks with an error, one counts."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        state = browser.start()
        denied = browser.request(f"/callback?error=access_denied&state={state}")
        answers = fleet.volley([browser.request(callback(state, code)), denied] * 4)
        statuses = [answer.status for answer in answers]
        assert site.provider.requests[code] + statuses.count(403) == 1
