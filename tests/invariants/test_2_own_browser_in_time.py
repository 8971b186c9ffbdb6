"""Invariant 2: a login ends in the browser that began it, and in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .browser import callback, new_code
from .harness import ROUNDS

if TYPE_CHECKING:
    from .browser import Fleet
    from .harness import Site


def test_another_browser(site: Site) -> None:
    """Another browser gets 400 for a state, no token request, and its own login stays."""
    for _ in ROUNDS:
        owner, other, code = site.browser(), site.browser(), new_code()
        state, others = owner.begin(), other.begin()
        assert other.visit("GET", callback(state, code)).status == 400
        assert site.browser().visit("GET", callback(state, code)).status == 400
        assert site.provider.requests[code] == 0
        assert owner.visit("GET", callback(state, code)).status == 303
        assert other.visit("GET", callback(others, new_code())).status == 303


def test_attacker_with_an_account(site: Site) -> None:
    """An attacker's callback URL does not log a victim in, or another victim's login out."""
    for _ in ROUNDS:
        attacker, victim, code = site.browser(), site.browser(), new_code()
        mine = victim.log_in()
        sent = callback(attacker.begin(), code)
        reply = victim.visit("GET", sent)
        assert (reply.status, reply.location) == (303, "/after-login")
        assert site.provider.requests[code] == 0
        assert victim.token() == site.provider.tokens[mine]


def test_eight_other_browsers_at_once(site: Site, fleet: Fleet) -> None:
    """A state that other browsers send at the same moment still counts in its own."""
    for _ in ROUNDS:
        owner, code, stolen = site.browser(), new_code(), new_code()
        state = owner.begin()
        own = owner.request("GET", callback(state, code))
        others = [site.browser() for _ in range(7)]
        for other in others[:4]:
            other.begin()
        theirs = [other.request("GET", callback(state, stolen)) for other in others]
        replies = fleet.volley([*theirs[:3], own, *theirs[3:]])
        assert [reply.status for reply in replies] == [400] * 3 + [303] + [400] * 4
        assert (site.provider.requests[code], site.provider.requests[stolen]) == (1, 0)


def test_state_that_is_too_old(site: Site) -> None:
    """A state gets 400 after `LOGIN_LIFETIME`, though its session and its cookie are kept."""
    begun = []
    for _ in ROUNDS:
        browser = site.browser("brief.test")
        begun.append((browser, browser.begin(), browser.jar.cookies.copy()))
    time.sleep(2.1)
    code = new_code()
    for browser, state, cookies in begun:
        assert browser.ask("GET", callback(state, code)).status == 400
        for name, (value, _) in cookies.items():
            browser.jar.cookies[name] = (value, float("inf"))
        assert browser.ask("GET", callback(state, code)).status == 400
    assert site.provider.requests[code] == 0
