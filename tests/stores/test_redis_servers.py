"""Redis with TLS and users, and with a replica that becomes the master."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
import redis

from flask_altdentifier.stores import from_setting

from ..servers.process import wait_until
from ..servers.redis import Replicated, redis_sentinel
from ..support import log_in, make_app

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("pass%2Fword", "wrong", redis.AuthenticationError),
        (r"\?.*", "", redis.ConnectionError),
        ("@localhost", "@127.0.0.1", redis.ConnectionError),
    ],
    ids=["password", "untrusted certificate", "certificate of another host"],
)
def test_wrong_credentials_are_an_error(
    redis_tls_url: str, old: str, new: str, error: type[Exception]
) -> None:
    store = from_setting(re.sub(old, new, redis_tls_url))
    with pytest.raises(error):
        store.get("key")


def kill(replicated: Replicated) -> Callable[[], None]:
    """End the master. Return a function that starts it again."""
    master = replicated.master
    assert master
    master.kill()
    return master.start


def demote(replicated: Replicated) -> Callable[[], None]:
    """Let Sentinel promote the replica, as for maintenance."""
    replicated.sentinel.sentinels[0].sentinel_failover("main")
    return lambda: None


@pytest.mark.parametrize("lose", [kill, demote])
def test_login_survives_a_failover(lose: Callable[[Replicated], Callable[[], None]]) -> None:
    with redis_sentinel() as replicated, replicated.client() as client:
        browser = make_app(ALTDENTIFIER_STORE=client).test_client()
        log_in(browser)
        wait_until(lambda: client.wait(1, 100) >= 1, "replica")  # the client waits 0.5 seconds
        before = replicated.master
        restore = lose(replicated)

        def new_master_answers() -> bool:
            started = time.monotonic()
            status = browser.get("/me").status_code
            assert time.monotonic() - started < 2
            assert status in {200, 503}
            return status == 200 and replicated.master not in {before, None}

        wait_until(new_master_answers, "failover")
        assert browser.post("/logout").status_code == 303
        restore()
        assert browser.get("/me").status_code == 401
        log_in(browser)
