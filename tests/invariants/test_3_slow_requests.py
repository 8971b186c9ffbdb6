"""Invariant 3: a slow request of the same browser undoes nothing.

Each slow request reads the session before the event, and ends, and so writes it, after.
"""

from __future__ import annotations

import pytest

from .browser import Browser, callback, new_code
from .site import ROUNDS, Site

kinds = pytest.mark.parametrize("kind", ["read", "write"])


def new_browser(site: Site, number: int) -> Browser:
    """Return a browser, in every second round with a session of the app."""
    browser = site.browser()
    if number % 2:
        browser.get("/cart/apples")
    return browser


@kinds
def test_slow_request_over_login_callback_and_logout(site: Site, kind: str) -> None:
    """Requests that begin at any time and end at any later time lose nothing, revive nothing."""
    for number in ROUNDS:
        browser, code = new_browser(site, number), new_code()
        slow = [browser.slow(kind)]
        state = browser.start()
        slow += [browser.slow(kind), browser.slow(kind)]
        slow.pop(0).end()
        assert browser.finish(state, code).location == "/next"
        slow.append(browser.slow(kind))
        slow.pop(0).end()
        assert browser.token() == site.provider.tokens[code]
        assert browser.finish(state, code).location == "/after-login"
        browser.post("/logout")
        for request in slow if number % 2 else reversed(slow):
            request.end()
            assert browser.token() is None
            assert browser.finish(state, code).status == 400
        assert site.provider.requests[code] == 1
        browser.log_in()
        assert browser.token() is not None


@kinds
def test_slow_request_over_the_exchange(site: Site, kind: str) -> None:
    for number in ROUNDS:
        browser, code = new_browser(site, number), new_code()
        state = browser.start()
        early = browser.slow(kind)
        gate = site.provider.hold(code)
        connection = browser.send(callback(state, code))
        assert gate.arrived.wait(30)
        late = browser.slow(kind)
        early.end()
        gate.open()
        answer = connection.read()
        connection.close()
        browser.receive(answer)
        late.end()
        assert answer.location == "/next"
        assert browser.token() == site.provider.tokens[code]
        assert browser.finish(state, code).location == "/after-login"
        assert site.provider.requests[code] == 1


@kinds
@pytest.mark.parametrize("path", ["/logout", "/leave", "a second login"])
def test_slow_request_over_the_end_of_a_login(site: Site, kind: str, path: str) -> None:
    for number in ROUNDS:
        browser = new_browser(site, number)
        browser.log_in()
        first, slow, second = browser.jar.copy(), browser.slow(kind), None
        if path.startswith("/"):
            browser.post(path)
        else:
            second = site.provider.tokens[browser.log_in()]
        slow.end()
        assert browser.token() == second
        assert browser.token(first) is None


@kinds
def test_used_states_crowd_no_pending_login_out(site: Site, kind: str) -> None:
    """A slow request writes used states back to the session."""
    for _ in ROUNDS:
        browser = site.browser()
        oldest, *others = [browser.start() for _ in range(5)]
        slow = browser.slow(kind)
        for state in others:
            assert browser.finish(state, new_code()).location == "/next"
        slow.end()
        browser.start()
        assert browser.finish(oldest, new_code()).location == "/next"
