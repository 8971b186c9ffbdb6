"""A grant that has expired is refreshed once, whoever asks for it, in all processes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .browser import Reply, callback, new_code
from .harness import ROUNDS

if TYPE_CHECKING:
    from .harness import Site


def test_one_of_sixteen_refreshes(site: Site) -> None:
    """Sixteen requests at once in two processes send one refresh request; all get its token."""
    browsers = []
    for _ in ROUNDS:
        browser, code = site.browser("refreshing.test"), f"brief{new_code()}"
        assert browser.visit("GET", callback(browser.begin(), code)).status == 303
        browsers.append((browser, code))
    time.sleep(1.1)
    processes = set()
    for browser, code in browsers:

        def ask(_: int, jar: object = browser) -> Reply:
            return jar.ask("GET", "/me")  # type: ignore[attr-defined, no-any-return]

        with ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(ask, range(16)))
        assert [reply.status for reply in replies] == [200] * 16
        assert {reply.body for reply in replies} == {site.provider.tokens[f"refreshed {code}"]}
        assert site.provider.refreshed[code] == 1
        processes |= {reply.process for reply in replies}
    assert len(processes) == 2
