"""Invariant 4: a logout is final, whatever cookie jar comes after it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from .browser import callback, new_code
from .harness import ROUNDS

if TYPE_CHECKING:
    from .browser import Fleet
    from .harness import Site


@pytest.mark.parametrize("way", ["/logout", "/leave"])
def test_old_jars(site: Site, way: str) -> None:
    """No jar that was copied at any moment is logged in after the logout, or finishes a login."""
    for number in ROUNDS:
        browser, code = site.browser(), new_code()
        jars = []
        if number % 2:
            browser.visit("GET", "/cart/apples")
        jars.append(browser.jar.copy())
        state = browser.begin()
        jars.append(browser.jar.copy())
        slow = browser.slow("write")
        browser.visit("GET", callback(state, code))
        jars.append(browser.jar.copy())
        slow.end()
        jars.append(browser.jar.copy())
        browser.visit("GET", "/cart/pears")
        jars.append(browser.jar.copy())
        assert [jar for jar in jars if browser.token(jar)] == jars[2:]
        browser.visit("POST", way)
        jars.append(browser.jar.copy())
        for jar in jars:
            assert browser.token(jar) is None
            assert browser.ask("GET", callback(state, code), jar).status == 400
        assert site.provider.requests[code] == 1


def test_eight_requests_and_a_logout(site: Site, fleet: Fleet) -> None:
    """Whatever is asked at the moment of the logout, nothing is open after it."""
    for _ in ROUNDS:
        browser = site.browser()
        browser.visit("GET", "/cart/apples")
        browser.log_in()
        before = browser.jar.copy()
        paths = ["/me", "/cart/pears", "/me", "/cart", "/login", "/me", "/cart/plums"]
        requests = [browser.request("GET", path) for path in paths]
        requests.insert(random.randrange(8), browser.request("POST", "/logout"))
        replies = fleet.volley(requests)
        random.shuffle(replies)
        for reply in replies:
            browser.jar.receive(reply.set_cookies)
        assert browser.token() is None
        assert browser.token(before) is None


def test_eight_logouts_at_once(site: Site, fleet: Fleet) -> None:
    """Eight clicks on "log out" all lead home."""
    for _ in ROUNDS:
        browser = site.browser()
        browser.log_in()
        before = browser.jar.copy()
        replies = fleet.volley([browser.request("POST", "/logout")] * 8)
        assert {(reply.status, reply.location) for reply in replies} == {(303, "/")}
        assert browser.token(before) is None


def test_logout_of_one_browser(site: Site) -> None:
    """A logout ends the login of one browser, not those of others."""
    for _ in ROUNDS:
        here, there = site.browser(), site.browser()
        here.log_in()
        kept = there.log_in()
        here.log_out()
        assert here.token() is None
        assert there.token() == site.provider.tokens[kept]


def test_logout_after_two_logins_at_once(site: Site, fleet: Fleet) -> None:
    """Of two logins that the browser finished at one moment, it is logged in with one, and out."""
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code(), new_code()]
        paths = [callback(browser.begin(), code) for code in codes]
        replies = fleet.volley([browser.request("GET", path) for path in paths])
        assert {reply.location for reply in replies} == {"/next"}
        for reply in replies:
            browser.jar.receive(reply.set_cookies)
        before = browser.jar.copy()
        assert browser.token() in {site.provider.tokens[code] for code in codes}
        browser.log_out()
        assert [browser.token(), browser.token(before)] == [None, None]
