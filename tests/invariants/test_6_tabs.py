"""Invariant 6: five tabs finish in any order, the oldest goes first, and crowds log nobody out."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from .app import create_app, file_cache
from .browser import callback, new_code, request_bytes, state_in
from .harness import ROUNDS
from .transport import AnyCode

if TYPE_CHECKING:
    from pathlib import Path

    from .browser import Fleet
    from .harness import Site

#: Visits to `/login` without a cookie, beside a user who is logged in.
CROWD = 2_000


def test_five_tabs_one_after_the_other(site: Site) -> None:
    """Five tabs that were opened one after the other finish in any order, each where it began."""
    for _ in ROUNDS:
        browser = site.browser()
        tabs = [(browser.begin(f"/tab/{n}"), f"/tab/{n}") for n in range(5)]
        random.shuffle(tabs)
        for state, path in tabs:
            code = new_code()
            assert browser.visit("GET", callback(state, code)).location == path
            assert browser.token() == site.provider.tokens[code]


@pytest.mark.parametrize("cookies", ["without a cookie", "with a session"])
def test_five_tabs_at_once(site: Site, fleet: Fleet, cookies: str) -> None:
    """Five tabs that were opened at one moment finish in any order."""
    for _ in ROUNDS:
        browser = site.browser()
        if cookies == "with a session":
            browser.visit("GET", "/cart/apples")
        replies = fleet.volley([browser.request("GET", f"/login?next=/tab/{n}") for n in range(5)])
        tabs = [(state_in(reply), f"/tab/{n}") for n, reply in enumerate(replies)]
        random.shuffle(replies)
        for reply in replies:
            browser.jar.receive(reply.set_cookies)
        random.shuffle(tabs)
        for state, path in tabs:
            assert browser.visit("GET", callback(state, new_code())).location == path


def test_five_tabs_finish_at_once(site: Site, fleet: Fleet) -> None:
    """Five tabs that finish at one moment each send their code, and the browser is logged in."""
    for _ in ROUNDS:
        browser, codes = site.browser(), [new_code() for _ in range(5)]
        states = [browser.begin() for _ in codes]
        requests = [
            browser.request("GET", callback(state, code))
            for state, code in zip(states, codes, strict=True)
        ]
        replies = fleet.volley(requests)
        assert {(reply.status, reply.location) for reply in replies} == {(303, "/next")}
        assert [site.provider.requests[code] for code in codes] == [1] * 5
        random.shuffle(replies)
        for reply in replies:
            browser.jar.receive(reply.set_cookies)
        assert browser.token() in {site.provider.tokens[code] for code in codes}


@pytest.mark.parametrize("lost", ["no cookie", "session", "_state_"])
def test_sixth_tab(site: Site, lost: str) -> None:
    """The sixth tab pushes out the oldest, and the other five finish."""
    for _ in ROUNDS:
        browser, code = site.browser(), new_code()
        states = []
        for _ in range(6):
            states.append(browser.begin())
            browser.jar.forget(lost)
        assert browser.visit("GET", callback(states[0], code)).status == 400
        assert site.provider.requests[code] == 0
        for state in random.sample(states[1:], 5):
            assert browser.visit("GET", callback(state, new_code())).location == "/next"


def test_many_tabs(site: Site) -> None:
    """A browser that begins forty logins carries the cookies of five."""
    browser = site.browser()
    for _ in range(40):
        browser.begin()
    assert len([name for name, _ in browser.jar.cookies if "_state_" in name]) == 5


def test_crowd_without_cookies(site: Site, fleet: Fleet) -> None:
    """Thousands of visits to `/login` without a cookie log nobody out and lose no tab."""
    browser, code = site.browser(), new_code()
    kept = browser.log_in()
    state = browser.begin()
    visit = request_bytes("GET", "/login", "app.test", "")
    for _ in range(CROWD // 8):
        assert {reply.status for reply in fleet.volley([visit] * 8)} == {302}
    assert browser.token() == site.provider.tokens[kept]
    assert browser.visit("GET", callback(state, code)).location == "/next"


def test_crowd_in_a_small_cache(tmp_path: Path) -> None:
    """A store of its own that is far too small loses pending logins, not who is logged in."""
    app = create_app(
        {
            "SESSION_TYPE": "cachelib",
            "SESSION_CACHELIB": file_cache(tmp_path / "sessions"),
            "ALTDENTIFIER_STORE": file_cache(tmp_path / "logins", threshold=20),
        }
    )
    app.extensions["altdentifier"].transport = AnyCode()
    client = app.test_client()
    state = client.get("/login").headers["Location"].partition("state=")[2].partition("&")[0]
    assert client.get(f"/callback?code=a&state={state}").status_code == 303
    for _ in range(100):
        assert app.test_client().get("/login").status_code == 302
    assert client.get("/me").status_code == 200
