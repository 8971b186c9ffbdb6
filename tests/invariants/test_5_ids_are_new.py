"""Invariant 5: ids are new at login and logout, and what was planted before is worth nothing."""

from __future__ import annotations

from .browser import new_code
from .site import ROUNDS, Site


def test_ids_change_at_login_and_logout(site: Site) -> None:
    """What the app keeps in the session stays."""
    for _ in ROUNDS:
        browser = site.browser()
        browser.visit("GET", "/cart/apples")
        ids = [(browser.jar.session_id, browser.jar.login_id)]
        for _ in range(2):
            browser.log_in()
            ids.append((browser.jar.session_id, browser.jar.login_id))
        browser.log_out()
        assert browser.jar.login_id is None
        ids.append((browser.jar.session_id, "none"))
        for kind in zip(*ids, strict=True):
            assert len(set(kind)) == len(kind)
        assert browser.visit("GET", "/cart").body == "apples"
        for session_id, _ in ids[:-1]:
            thief = site.browser()
            thief.jar.put("session", str(session_id))
            assert thief.visit("GET", "/cart").body == "None"


def test_session_of_a_login_alone_ends_with_it(site: Site) -> None:
    browser = site.browser()
    state = browser.start()
    assert browser.jar.session_id is not None
    browser.finish(state, new_code())
    assert browser.jar.session_id is None


def test_planted_ids_are_worth_nothing(site: Site) -> None:
    for _ in ROUNDS:
        attacker, victim = site.browser(), site.browser()
        attacker.visit("GET", "/cart/planted")
        attacker.log_in()
        planted = attacker.jar.copy()
        victim.jar = attacker.jar.copy()
        code = victim.log_in()
        assert victim.token() == site.provider.tokens[code]
        assert victim.jar.session_id != planted.session_id
        victim.visit("GET", "/cart/secret")
        assert attacker.token(planted) is None
        assert attacker.visit("GET", "/cart").body == "None"


def test_made_up_ids_are_not_adopted(site: Site) -> None:
    member, victim, made_up = site.browser(), site.browser(), "A" * 43
    member.log_in()
    assert member.jar.login is not None
    victim.jar.put("session", made_up)
    victim.jar.put(member.jar.login[0], made_up)
    victim.visit("GET", "/cart/apples")
    victim.log_in()
    assert made_up not in {victim.jar.session_id, victim.jar.login_id}


def test_no_cookie_is_a_key_and_no_session_has_a_token(site: Site) -> None:
    browser = site.browser()
    browser.visit("GET", "/cart/apples")
    state = browser.start()
    values = {value for _, value in browser.jar.items()}
    code = browser.log_in()
    values |= {value for _, value in browser.jar.items()}
    records = site.backend.records()
    keys = "\n".join(records)
    assert [value for value in values if value in keys] == []
    sessions = "".join(value for key, value in records.items() if ":session:" in key)
    assert state in sessions
    assert site.provider.tokens[code] not in sessions
    assert site.provider.tokens[code] in "".join(records.values())
