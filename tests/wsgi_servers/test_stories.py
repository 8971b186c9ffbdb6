"""What must hold on every server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from ..invariants.browser import PATIENCE, callback, new_code
from ..servers.process import wait_until
from .servers import COMMANDS, TIMEOUT, Site, run_site

pytestmark = pytest.mark.server


@pytest.fixture(scope="module", params=COMMANDS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site on each server."""
    with run_site(request.param, tmp_path_factory.mktemp("site")) as site:
        yield site


def test_login_works_in_every_process(site: Site) -> None:
    browser = site.browser()
    token = site.provider.tokens[browser.log_in()]
    processes: set[int] = set()

    def every_process_has_answered() -> bool:
        answers = site.ask_at_once("/me", browser.jar)
        assert {(answer.status, answer.body) for answer in answers} == {(200, token)}
        processes.update(answer.process for answer in answers)
        return len(processes) == site.processes

    wait_until(every_process_has_answered, f"{site.processes} processes")


@pytest.mark.parametrize("turn", range(3))
def test_state_is_used_once_by_eight_callbacks(site: Site, turn: int) -> None:
    browser, code = site.browser(), new_code()
    answers = site.ask_at_once(callback(browser.start(), code), browser.jar)
    assert sorted(answer.status for answer in answers) == [303] + [400] * 7
    assert site.provider.requests[code] == 1
    browser.receive(*answers)
    assert browser.token() == site.provider.tokens[code]


def test_provider_that_hangs_frees_the_worker(site: Site) -> None:
    # The best of three, because a busy machine may delay one.
    assert any(wait_for_provider(site) < TIMEOUT + 1 for _ in range(3))
    site.browser().log_in()


def wait_for_provider(site: Site) -> float:
    """Return the seconds from the token request to the response of the callback."""
    browser, code = site.browser(), new_code()
    gate, path = site.provider.hold(code), callback(browser.start(), code)
    with closing(browser.send(path)) as connection:
        assert gate.arrived.wait(PATIENCE)
        started = time.monotonic()
        assert connection.read().status == 504
        ended = time.monotonic()
    gate.open()
    return ended - started


def test_logout_is_final(site: Site) -> None:
    browser = site.browser()
    path = callback(browser.start(), new_code())
    before = browser.jar.copy()
    assert browser.get(path).status == 303
    during = browser.jar.copy()
    assert {answer.status for answer in site.ask_at_once("/me", during)} == {200}
    assert browser.post("/logout").status == 303
    assert browser.jar.login_id is None
    assert {answer.status for answer in site.ask_at_once("/me", during)} == {401}
    assert {answer.status for answer in site.ask_at_once(path, before)} == {400}


def test_eight_people_see_only_their_own_grant(site: Site) -> None:
    together = Barrier(8, timeout=PATIENCE)

    def visit(_: int) -> None:
        together.wait()
        for _ in range(3):
            browser = site.browser()
            token = site.provider.tokens[browser.log_in()]
            assert [browser.token() for _ in range(3)] == [token] * 3
            browser.post("/logout")
            assert browser.token() is None

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(8)))
