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
            browser.visit("GET", "/cart/apples")
        jars.append(browser.jar.copy())
        state = browser.start()
        jars.append(browser.jar.copy())
        slow = browser.slow("write")
        browser.finish(state, code)
        jars.append(browser.jar.copy())
        slow.end()
        jars.append(browser.jar.copy())
        assert [jar for jar in jars if browser.token(jar)] == jars[2:]
        browser.log_out(path)
        jars.append(browser.jar.copy())
        for jar in jars:
            assert browser.token(jar) is None
            assert browser.ask("GET", callback(state, code), jar).status == 400
        assert site.provider.requests[code] == 1


def test_logout_among_seven_requests(site: Site, fleet: Fleet) -> None:
    for _ in ROUNDS:
        browser = site.browser()
        browser.visit("GET", "/cart/apples")
        browser.log_in()
        before = browser.jar.copy()
        paths = ["/me", "/cart/pears", "/me", "/cart", "/login", "/me", "/cart/plums"]
        requests = [browser.request("GET", path) for path in paths]
        requests.insert(random.randrange(8), browser.request("POST", "/logout"))
        replies = fleet.volley(requests)
        browser.receive(random.sample(replies, 8))
        assert (browser.token(), browser.token(before)) == (None, None)


def test_eight_logouts_at_once(site: Site, fleet: Fleet) -> None:
    for _ in ROUNDS:
        browser, other = site.browser(), site.browser()
        browser.log_in()
        kept = other.log_in()
        before = browser.jar.copy()
        replies = fleet.volley([browser.request("POST", "/logout")] * 8)
        assert {(reply.status, reply.location) for reply in replies} == {(303, "/")}
        assert browser.token(before) is None
        assert other.token() == site.provider.tokens[kept]


def test_logout_after_two_logins_at_once(site: Site, fleet: Fleet) -> None:
    """The browser keeps one of the two logins, and the logout ends it."""
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code(), new_code()]
        paths = [callback(browser.start(), code) for code in codes]
        replies = fleet.volley([browser.request("GET", path) for path in paths])
        assert {reply.location for reply in replies} == {"/next"}
        browser.receive(replies)
        before = browser.jar.copy()
        assert browser.token() in {site.provider.tokens[code] for code in codes}
        browser.log_out()
        assert (browser.token(), browser.token(before)) == (None, None)


def test_logout_ends_every_login_cookie_of_one_name(site: Site) -> None:
    """A changed cookie domain leaves two login cookies of one name, in any order."""
    for number in ROUNDS:
        first, second = site.browser(), site.browser()
        code = first.log_in()
        second.log_in()
        old, live = second.jar.login, first.jar.login
        assert old is not None
        assert live is not None
        second.log_out()
        pairs = [old, live] if number % 2 else [live, old]
        both = site.browser()
        both.jar.cookies = {(n, str(i)): (v, float("inf")) for i, (n, v) in enumerate(pairs)}
        assert both.token() == site.provider.tokens[code]
        both.log_out()
        assert first.token() is None
