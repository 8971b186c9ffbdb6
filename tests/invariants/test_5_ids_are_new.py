"""Invariant 5: ids are new at login and logout, and what was planted before is worth nothing.

That no cookie is a key in the store is part of the model.
"""

from __future__ import annotations

from .site import ROUNDS, Site


def test_ids_change_at_login_and_logout(site: Site) -> None:
    """What the app keeps in the session stays."""
    for _ in ROUNDS:
        browser = site.browser()
        browser.get("/cart/apples")
        ids = [(browser.jar.session_id, browser.jar.login_id)]
        for _ in range(2):
            browser.log_in()
            ids.append((browser.jar.session_id, browser.jar.login_id))
        browser.post("/logout")
        assert browser.jar.login_id is None
        ids.append((browser.jar.session_id, "none"))
        for kind in zip(*ids, strict=True):
            assert len(set(kind)) == len(kind)
        assert browser.get("/cart").body == "apples"
        for session_id, _ in ids[:-1]:
            thief = site.browser()
            thief.jar.put("session", str(session_id))
            assert thief.get("/cart").body == "None"


def test_planted_ids_are_worth_nothing(site: Site) -> None:
    """Neither those of another browser nor made-up ones."""
    for number in ROUNDS:
        attacker, victim = site.browser(), site.browser()
        attacker.get("/cart/planted")
        attacker.log_in()
        planted = attacker.jar.copy()
        if number % 2:
            planted.cookies = dict.fromkeys(planted.cookies, ("A" * 43, 2000000000.0))
        victim.jar = planted.copy()
        code = victim.log_in()
        victim.get("/cart/secret")
        assert victim.token() == site.provider.tokens[code]
        assert victim.jar.session_id != planted.session_id
        assert victim.jar.login_id != planted.login_id
        attacker.jar = planted
        assert attacker.token() is None
        assert attacker.get("/cart").body == "None"
