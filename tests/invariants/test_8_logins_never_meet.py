"""Invariant 8: two logins never meet, in the store, in memory, or on a kept connection."""

from __future__ import annotations

import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

import pytest
from flask import Flask

from flask_altdentifier.stores import MemoryStore

from ..http.peer import Peer, http, peer
from .app import create_app
from .browser import Answer, Browser, callback, state_in
from .conftest import Backends
from .jar import Jar
from .memory import ask
from .provider import Provider
from .site import ROUNDS, Site

#: Requests of eight people together. The contract's figure is 5,000.
REQUESTS = int(os.environ.get("INVARIANTS_REQUESTS", "600"))
#: Four processes of one thread, forked by a process that has logged in itself.
FORKED = ["--preload", "--workers", "4", "--worker-class", "sync", "--threads", "1"]


@pytest.mark.parametrize("store", ["sqlite", "redis", "postgres", "mariadb"])
def test_eight_people_see_their_own_token(
    backends: Backends, store: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Site(backends.get(store), tmp_path_factory.mktemp("forked"), *FORKED) as site:
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
        reply = browser.visit("GET", "/me")
        processes.add(reply.process)
        assert (reply.status, reply.body) == (200, provider.tokens[code])
        if number % 4 == 0:
            assert browser.visit("GET", f"/cart/{name}").body == name
        if number % 4 == 1:
            assert browser.visit("GET", "/cart").body == name
        if number % 10 == 9:
            code = browser.log_in()
        if number % 30 == 29:
            browser.log_out()
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
            assert browser.visit("GET", "/cart").body == "None"
        ports = [site.provider.ports[code] for code in codes]
        assert site.provider.ports.get("of-the-master") not in ports


# On a connection that is kept


class OddProvider:
    """Gives each code its own token, after or before something that is not part of the response."""

    def __init__(self, before: bytes = b"", after: bytes = b"", late: bytes = b"") -> None:
        self.parts = before, after, late
        self.running: Peer | None = None

    def __call__(self, connection: socket.socket) -> None:
        assert self.running is not None
        form = parse_qs(self.running.requests[-1].partition(b"\r\n\r\n")[2].decode())
        before, after, late = self.parts
        connection.sendall(before + token_response(form["code"][0]) + after)
        if late:
            time.sleep(0.05)
            connection.sendall(late)


def token_response(code: str) -> bytes:
    token = {"access_token": f"token-of-{code}", "token_type": "Bearer", "scope": "read:user"}
    return http(json.dumps(token).encode())


STOLEN = token_response("somebody-else")
ODD: dict[str, OddProvider] = {
    "102": OddProvider(before=b"HTTP/1.1 102 Processing\r\n\r\n"),
    "103": OddProvider(before=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "103 twice": OddProvider(before=b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2),
    "100": OddProvider(before=b"HTTP/1.1 100 Continue\r\n\r\n"),
    "101": OddProvider(before=b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "199": OddProvider(before=b"HTTP/1.1 199 Odd\r\n\r\n"),
    "second response": OddProvider(after=STOLEN),
    "half of a second response": OddProvider(after=STOLEN[:40]),
    "late second response": OddProvider(late=STOLEN),
    "line break": OddProvider(after=b"\r\n"),
    "response before": OddProvider(before=STOLEN),
    "204 with a body": OddProvider(before=http(STOLEN, status=b"204 No Content")),
    "304 with a body": OddProvider(before=http(STOLEN, status=b"304 Not Modified")),
    "length too short": OddProvider(before=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    "chunks": OddProvider(
        before=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    ),
    "refused": OddProvider(before=http(b"{}", status=b"400 Bad Request")),
    "error": OddProvider(before=http(b"", status=b"500 Oops"), after=STOLEN),
}


@pytest.mark.parametrize("name", ODD)
def test_nobody_gets_what_was_left_on_the_connection(name: str) -> None:
    """Five people log in one after the other. Who logs in has their own token."""
    odd = ODD[name]
    with peer(odd) as running:
        odd.running = running
        app = create_app(
            {"ALTDENTIFIER_STORE": MemoryStore(), "ALTDENTIFIER_BASE_URL": running.origin}
        )
        finished = 0
        for number in range(5):
            jar, code = Jar(), f"{name}-{number}".replace(" ", "-")
            reply = log_in(app, jar, code)
            if name.startswith("late"):
                time.sleep(0.1)  # the late response has come before the next person does
            me = ask(app, "GET", "/me", jar)
            if reply.status == 303:
                # The provider may give a person any token in a response, but only once.
                assert me.body in {f"token-of-{code}", "token-of-somebody-else"}
                finished += me.body == f"token-of-{code}"
            else:
                assert (reply.status, me.status) in {(502, 401), (400, 401)}
        assert finished == (5 if odd.parts[0][9:12] in {b"", b"100", b"102", b"103", b"199"} else 0)
        codes = [request.partition(b"&code=")[2] for request in running.requests]
        assert len(codes) == len(set(codes)) == 5
        app.extensions["altdentifier"].transport._current_pool.close()


def log_in(app: Flask, jar: Jar, code: str) -> Answer:
    started = ask(app, "GET", "/login", jar)
    jar.receive(started.set_cookies)
    reply = ask(app, "GET", callback(state_in(started), code), jar)
    jar.receive(reply.set_cookies)
    return reply
