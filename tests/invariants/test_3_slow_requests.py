"""Invariant 3: a slow request of the same browser undoes nothing.

Each slow request reads the session before the event and ends, and so writes it, after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .browser import callback, new_code
from .harness import ROUNDS

if TYPE_CHECKING:
    from .browser import Browser
    from .harness import Site

ANYONE = ["read", "write"]
MEMBERS = ["read", "write", "guarded"]


def new_browser(site: Site, number: int) -> Browser:
    """Return a browser, with a session of the app in every second round."""
    browser = site.browser()
    if number % 2:
        browser.visit("GET", "/cart/apples")
    return browser


@pytest.mark.parametrize("kind", ANYONE)
def test_slow_request_over_the_beginning(site: Site, kind: str) -> None:
    """A request that ends after `/login` does not lose the pending login."""
    for number in ROUNDS:
        browser, code = new_browser(site, number), new_code()
        slow = browser.slow(kind)
        state = browser.begin()
        slow.end()
        assert browser.visit("GET", callback(state, code)).location == "/next"
        assert browser.token() == site.provider.tokens[code]


@pytest.mark.parametrize("kind", ANYONE)
def test_slow_request_over_the_callback(site: Site, kind: str) -> None:
    """A request that ends after the callback neither drops the login nor revives the state."""
    for number in ROUNDS:
        browser, code = new_browser(site, number), new_code()
        state = browser.begin()
        slow = browser.slow(kind)
        browser.visit("GET", callback(state, code))
        slow.end()
        assert browser.token() == site.provider.tokens[code]
        assert browser.visit("GET", callback(state, code)).location == "/after-login"
        browser.log_out()
        assert browser.visit("GET", callback(state, code)).status == 400
        assert site.provider.requests[code] == 1


@pytest.mark.parametrize("kind", ANYONE)
def test_slow_request_in_the_middle_of_the_exchange(site: Site, kind: str) -> None:
    """A request that begins while the code is exchanged and ends later changes nothing."""
    for number in ROUNDS:
        browser, code = new_browser(site, number), new_code()
        state = browser.begin()
        early = browser.slow(kind)
        gate = site.provider.hold(code)
        finishing = Pending(browser, callback(state, code))
        assert gate.arrived.wait(timeout=10)
        late = browser.slow(kind)
        early.end()
        gate.open()
        assert finishing.end() == 303
        late.end()
        assert browser.token() == site.provider.tokens[code]
        assert browser.visit("GET", callback(state, code)).location == "/after-login"
        assert site.provider.requests[code] == 1


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("way", ["/logout", "/leave"])
def test_slow_request_over_the_logout(site: Site, kind: str, way: str) -> None:
    """A request that ends after a logout does not undo it, whichever way the logout went."""
    for number in ROUNDS:
        browser = new_browser(site, number)
        code = browser.log_in()
        slow = browser.slow(kind)
        browser.visit("POST", way)
        logged_out = browser.jar.copy()
        assert browser.token() is None
        slow.end()
        assert browser.token() is None
        assert browser.token(logged_out) is None
        again = browser.log_in()
        assert browser.token() == site.provider.tokens[again] != site.provider.tokens[code]


@pytest.mark.parametrize("kind", ANYONE)
def test_slow_request_over_everything(site: Site, kind: str) -> None:
    """A request that began before it all brings nothing back when it ends after it all."""
    for number in ROUNDS:
        browser, code = new_browser(site, number), new_code()
        slow = [browser.slow(kind)]
        state = browser.begin()
        slow.append(browser.slow(kind))
        browser.visit("GET", callback(state, code))
        slow.append(browser.slow(kind))
        browser.log_out()
        for request in slow if number % 3 else reversed(slow):
            request.end()
            assert browser.token() is None
            assert browser.ask("GET", callback(state, code)).status == 400
        assert site.provider.requests[code] == 1
        browser.log_in()
        assert browser.token() is not None


@pytest.mark.parametrize("kind", MEMBERS)
def test_slow_request_over_a_second_login(site: Site, kind: str) -> None:
    """A request of the first login that ends after the second does not bring the first back."""
    for number in ROUNDS:
        browser = new_browser(site, number)
        browser.log_in()
        first = browser.jar.copy()
        slow = browser.slow(kind)
        second = browser.log_in()
        slow.end()
        assert browser.token() == site.provider.tokens[second]
        assert browser.token(first) is None


@pytest.mark.parametrize("kind", ANYONE)
def test_slow_request_that_lists_used_states(site: Site, kind: str) -> None:
    """States that were used and that a slow request lists again push no pending login out."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        oldest = browser.begin()
        others = [browser.begin() for _ in range(4)]
        slow = browser.slow(kind)
        for state in others:
            assert browser.visit("GET", callback(state, new_code())).location == "/next"
        slow.end()
        browser.begin()  # the second that is pending, of five
        assert browser.visit("GET", callback(oldest, code)).location == "/next"
        assert site.provider.requests[code] == 1


class Pending:
    """A request that is on its way."""

    def __init__(self, browser: Browser, path: str) -> None:
        from .browser import Connection

        self.browser = browser
        self.connection = Connection(browser.path)
        self.connection.sock.sendall(browser.request("GET", path))

    def end(self) -> int:
        """Wait for the response, keep its cookies and return its status."""
        reply = self.connection.read()
        self.connection.close()
        self.browser.jar.receive(reply.set_cookies)
        return reply.status
