"""Invariant 2: a login is finished in the browser that started it, and in time."""

from __future__ import annotations

from .browser import Fleet, callback, new_code
from .site import ROUNDS, Site


def test_another_browser_is_rejected(site: Site) -> None:
    """Also one that has a login of its own, pending or finished (login CSRF)."""
    for _ in ROUNDS:
        owner, other, member, code = site.browser(), site.browser(), site.browser(), new_code()
        kept, state, own = member.log_in(), owner.start(), other.start()
        assert other.finish(state, code).status == 400
        assert site.browser().finish(state, code).status == 400
        assert member.finish(state, code).location == "/after-login"
        assert site.provider.requests[code] == 0
        assert member.token() == site.provider.tokens[kept]
        assert owner.finish(state, code).status == 303
        assert other.finish(own, new_code()).status == 303


def test_planted_session_finishes_no_login(site: Site) -> None:
    """A session id alone is never enough, in either direction."""
    for _ in ROUNDS:
        attacker, victim, code = site.browser(), site.browser(), new_code()
        attacker.get("/cart/planted")
        victim.jar.put("session", str(attacker.jar.session_id))
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
        requests = [other.request(callback(state, stolen)) for other in others]
        requests.insert(3, owner.request(callback(state, code)))
        statuses = [answer.status for answer in fleet.volley(requests)]
        assert statuses == [400] * 3 + [303] + [400] * 4
        assert (site.provider.requests[code], site.provider.requests[stolen]) == (1, 0)
