"""Invariant 6: five tabs finish in any order, the oldest goes first, crowds log nobody out."""

from __future__ import annotations

import random

import pytest

from .browser import Fleet, callback, new_code, request_bytes, state_in
from .site import ROUNDS, Site

#: Visits to `/login` without cookies, beside a browser that is logged in.
CROWD = 400


@pytest.mark.parametrize("cookies", ["none", "session"])
def test_five_tabs_opened_at_once(site: Site, fleet: Fleet, cookies: str) -> None:
    for _ in ROUNDS:
        browser = site.browser()
        if cookies == "session":
            browser.get("/cart/apples")
        answers = fleet.volley([browser.request(f"/login?next=/tab/{n}") for n in range(5)])
        tabs = [(state_in(answer), f"/tab/{n}") for n, answer in enumerate(answers)]
        browser.receive(*random.sample(answers, 5))
        for state, path in random.sample(tabs, 5):
            code = new_code()
            assert browser.finish(state, code).location == path
            assert browser.token() == site.provider.tokens[code]


def test_five_tabs_finish_at_once(site: Site, fleet: Fleet) -> None:
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code() for _ in range(5)]
        paths = [callback(browser.start(), code) for code in codes]
        answers = fleet.volley([browser.request(path) for path in paths])
        assert {(answer.status, answer.location) for answer in answers} == {(303, "/next")}
        assert [site.provider.requests[code] for code in codes] == [1] * 5
        browser.receive(*random.sample(answers, 5))
        assert browser.token() in {site.provider.tokens[code] for code in codes}


def test_eight_tabs_opened_at_once_come_down_to_five(site: Site, fleet: Fleet) -> None:
    browser = site.browser()
    browser.receive(*fleet.volley([browser.request("/login")] * 8))
    answer = browser.get("/login")
    assert len(answer.set_cookies) <= 8
    assert len(browser.jar.state_cookies) == 5
    assert browser.finish(state_in(answer), new_code()).status == 303


def test_crowd_without_cookies_logs_nobody_out(site: Site, fleet: Fleet) -> None:
    browser = site.browser()
    kept, state = browser.log_in(), browser.start()
    for _ in range(CROWD // 8):
        answers = fleet.volley([request_bytes("GET", "/login")] * 8)
        assert {answer.status for answer in answers} == {302}
    assert browser.token() == site.provider.tokens[kept]
    assert browser.finish(state, new_code()).location == "/next"
