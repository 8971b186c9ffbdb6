"""Invariant 2: a login is finished in the browser that started it, and in time."""

from __future__ import annotations

import time

from .browser import Fleet, callback, new_code
from .site import ROUNDS, Site


def test_another_browser_is_rejected(site: Site) -> None:
    for _ in ROUNDS:
        owner, other, code = site.browser(), site.browser(), new_code()
        state, own = owner.start(), other.start()
        assert other.finish(state, code).status == 400
        assert site.browser().finish(state, code).status == 400
        assert site.provider.requests[code] == 0
        assert owner.finish(state, code).status == 303
        assert other.finish(own, new_code()).status == 303


def test_login_csrf_changes_nothing(site: Site) -> None:
    """A victim opens the callback URL of an attacker, who has an account too."""
    for _ in ROUNDS:
        attacker, victim, code = site.browser(), site.browser(), new_code()
        own = victim.log_in()
        assert victim.finish(attacker.start(), code).location == "/after-login"
        assert site.provider.requests[code] == 0
        assert victim.token() == site.provider.tokens[own]


def test_planted_session_finishes_no_login(site: Site) -> None:
    """A session id alone is never enough, whoever planted it and in which direction."""
    for _ in ROUNDS:
        attacker, victim, code = site.browser(), site.browser(), new_code()
        attacker.visit("GET", "/cart/planted")
        planted = attacker.jar.session_id
        assert planted is not None
        victim.jar.put("session", planted)
        theirs, own = attacker.start(), victim.start()
        assert victim.finish(theirs, code).status == 400
        assert attacker.finish(own, code).status == 400
        assert site.provider.requests[code] == 0
        assert victim.finish(own, new_code()).status == 303


def test_seven_other_browsers_at_once(site: Site, fleet: Fleet) -> None:
    for _ in ROUNDS:
        owner, code, stolen = site.browser(), new_code(), new_code()
        state = owner.start()
        others = [site.browser() for _ in range(7)]
        for other in others[:4]:
            other.start()
        requests = [other.request("GET", callback(state, stolen)) for other in others]
        requests.insert(3, owner.request("GET", callback(state, code)))
        statuses = [reply.status for reply in fleet.volley(requests)]
        assert statuses == [400] * 3 + [303] + [400] * 4
        assert (site.provider.requests[code], site.provider.requests[stolen]) == (1, 0)


def test_late_login_is_rejected(site: Site) -> None:
    """Session and state cookie live longer than the login, in a browser that ignores their end."""
    browsers = [site.browser("brief.test") for _ in ROUNDS]
    states = [browser.start() for browser in browsers]
    time.sleep(1.1)
    code = new_code()
    for browser, state in zip(browsers, states, strict=True):
        for name, (value, _) in list(browser.jar.cookies.items()):
            browser.jar.cookies[name] = (value, float("inf"))
        assert browser.finish(state, code).status == 400
    assert site.provider.requests[code] == 0
