"""Invariant 4: a logout is final, whichever copy of the cookies comes after it."""

from __future__ import annotations

import random

import pytest

from .browser import Fleet, callback, new_code
from .site import ROUNDS, Site


@pytest.mark.parametrize("path", ["/logout", "/leave"])
def test_no_copy_of_the_cookies_is_logged_in(site: Site, path: str) -> None:
    for number in ROUNDS:
        browser, code = site.browser(), new_code()
        jars = []
        if number % 2:
            browser.get("/cart/apples")
        jars.append(browser.jar.copy())
        state = browser.start()
        jars.append(browser.jar.copy())
        slow = browser.slow("write")
        browser.finish(state, code)
        jars.append(browser.jar.copy())
        slow.end()
        jars.append(browser.jar.copy())
        assert [jar for jar in jars if browser.token(jar)] == jars[2:]
        browser.post(path)
        for jar in [*jars, browser.jar]:
            assert browser.token(jar) is None
            assert browser.ask(callback(state, code), jar).status == 400
        assert site.provider.requests[code] == 1


def test_logouts_among_other_requests(site: Site, fleet: Fleet) -> None:
    """The logouts of one browser end no other login."""
    for number in ROUNDS:
        browser, other = site.browser(), site.browser()
        browser.get("/cart/apples")
        browser.log_in()
        kept, before = other.log_in(), browser.jar.copy()
        paths = ["/me", "/cart/pears", "/me", "/cart", "/login", "/me", "/cart/plums"]
        requests = [browser.request(path) for path in paths[number % 5 :]]
        while len(requests) < 8:
            logout = browser.request("/logout", "POST")
            requests.insert(random.randrange(len(requests) + 1), logout)
        browser.receive(*random.sample(fleet.volley(requests), 8))
        assert (browser.token(), browser.token(before)) == (None, None)
        assert other.token() == site.provider.tokens[kept]


def test_logout_after_two_logins_at_once(site: Site, fleet: Fleet) -> None:
    """The browser keeps one of the two logins, and the logout ends it."""
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code(), new_code()]
        paths = [callback(browser.start(), code) for code in codes]
        answers = fleet.volley([browser.request(path) for path in paths])
        assert {answer.location for answer in answers} == {"/next"}
        browser.receive(*answers)
        before = browser.jar.copy()
        assert browser.token() in {site.provider.tokens[code] for code in codes}
        browser.post("/logout")
        assert (browser.token(), browser.token(before)) == (None, None)
