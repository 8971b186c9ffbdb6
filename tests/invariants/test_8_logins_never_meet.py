"""Invariant 8: two logins never meet, in the store, in memory, or on a kept connection."""

from __future__ import annotations

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_altdentifier.stores import MemoryStore

from ..http.peer import http, peer
from .app import create_app
from .browser import Browser, callback, state_in
from .conftest import Backends
from .jar import Jar
from .memory import ask
from .provider import Provider
from .site import ROUNDS, Site

#: Requests of eight people together.
REQUESTS = int(os.environ.get("INVARIANTS_REQUESTS", "600"))
#: Four processes of one thread, forked by a process that has logged in itself.
FORKED = ["--preload", "--workers", "4", "--worker-class", "sync", "--threads", "1"]


@pytest.mark.parametrize("store", ["sqlite", "redis", "postgres", "mariadb"])
def test_eight_people_see_their_own_token(
    backends: Backends, store: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Site(backends(store), tmp_path_factory.mktemp("forked"), *FORKED) as site:
        with ThreadPoolExecutor(8) as pool:
            futures = [
                pool.submit(visit_often, site.browser(), site.provider, name) for name in "abcdefgh"
            ]
            processes = set().union(*(future.result() for future in futures))
        ports = dict(site.provider.ports)
    assert len(processes) == 4
    # The connection that was opened before the fork is nobody else's.
    assert ports.pop("of-the-master") not in ports.values()


def visit_often(browser: Browser, provider: Provider, name: str) -> set[int]:
    """Use the site as one person, and return the ids of the processes that answered."""
    processes = set()
    code = browser.log_in()
    for number in range(REQUESTS // 8):
        answer = browser.get("/me")
        processes.add(answer.process)
        assert (answer.status, answer.body) == (200, provider.tokens[code])
        if number % 4 == 0:
            assert browser.get(f"/cart/{name}").body == name
        if number % 4 == 1:
            assert browser.get("/cart").body == name
        if number % 10 == 9:
            code = browser.log_in()
        if number % 30 == 29:
            browser.post("/logout")
            assert browser.token() is None
            code = browser.log_in()
    return processes


def test_forked_site_after_a_login_before_the_fork(site: Site) -> None:
    """Each process has opened store, session and provider for itself."""
    for _ in ROUNDS:
        browsers = [site.browser() for _ in range(4)]
        codes = [browser.log_in() for browser in browsers]
        for browser, code in zip(browsers, codes, strict=True):
            assert browser.token() == site.provider.tokens[code]
            assert browser.get("/cart").body == "None"
        ports = [site.provider.ports[code] for code in codes]
        assert site.provider.ports.get("of-the-master") not in ports


# On a connection that is kept


def token_response(code: str) -> bytes:
    token = {"access_token": f"token-of-{code}", "token_type": "Bearer", "scope": "read:user"}
    return http(json.dumps(token).encode())


STOLEN = token_response("somebody-else")
#: What comes before each response, right after it, and later; and whether people can log in.
ODD: dict[str, tuple[bytes, bytes, bytes, bool]] = {
    "second response": (b"", STOLEN, b"", True),
    "late response": (b"", b"", STOLEN, True),
    "refusal": (http(b"{}", status=b"400 Bad Request"), b"", b"", False),
}


@pytest.mark.parametrize("name", ODD)
def test_nobody_gets_what_was_left_on_the_connection(name: str) -> None:
    """Five people log in one after the other, and each has their own token, or none."""
    before, after, late, works = ODD[name]

    def respond(connection: socket.socket) -> None:
        code = running.requests[-1].partition(b"&code=")[2].partition(b"&")[0]
        connection.sendall(before + token_response(code.decode()) + after)
        if late:
            time.sleep(0.02)
            connection.sendall(late)

    with peer(respond) as running:
        config = {"STORE": MemoryStore(), "BASE_URL": running.origin}
        app = create_app({f"ALTDENTIFIER_{key}": value for key, value in config.items()})
        for number in range(5):
            jar, code = Jar(), f"code-{number}"
            answer = ask(app, "/login", jar)
            jar.receive(answer.set_cookies)
            answer = ask(app, callback(state_in(answer), code), jar)
            jar.receive(answer.set_cookies)
            if late:
                time.sleep(0.1)  # until it has come
            me = ask(app, "/me", jar)
            assert answer.status in ({303} if works else {400, 502})
            assert (me.status, me.body) == (200, f"token-of-{code}") if works else me.status == 401
        assert len(running.requests) == 5
        app.extensions["altdentifier"].transport._pool().close()
