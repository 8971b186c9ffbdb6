"""A load of wrong input through the whole app: two gunicorn processes, on SQLite and Redis.

No 500, nothing of anybody else's, and memory stays flat. Set `WRONG_INPUTS` to send more.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest

from fuzz import inputs

from ..invariants.browser import Browser, Connection, callback, new_code
from ..invariants.site import Site, backend

pytestmark = pytest.mark.server

#: Requests of four threads together.
NUMBER = int(os.environ.get("WRONG_INPUTS", "1200"))
#: Bytes by which a process may grow after a third of the requests.
ROOM = 8 * 1024 * 1024

METHODS = ["GET", "GET", "GET", "POST", "HEAD", "OPTIONS", "PUT", "TRACE", "get"]
PATHS = ["/login", "/callback", "/logout", "/me", "/webhook", "/cart/x", "/cart", "/", "//evil/me"]
QUERY = [
    *("next=/me", "next=//evil", "next=", "scope=read:user", "scope=write:integrations", "code=a"),
    *("state=", "error=", "access_denied", "invalid_scope", "&", "&&", "=", ";", "%", "%00", "%ff"),
    *("%0d%0a", "st%61te=", "é", "+", "%2b", "moved", "moved=1", "[]", "#", "guild_id=1"),
    "x" * 900,
]
HEADERS = [
    *("Accept: text/html", "Accept: */*;q=x", "Accept: ,;=", "Accept-Language: tr,*;q=0.x,,\xe9"),
    *("Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site"),
    *("Sec-Purpose: prefetch", "Purpose: prefetch", "X-Requested-With: x", "Origin: null"),
    *("Origin: http://[", "Origin: https://app.test:99999", "Origin: \xe9", "Cookie: \xff=\xfe"),
    *("Digest: MD5=", "Digest: MD5=x,MD5=y", "Digest: \xe9", "Content-Type: multipart/form-data"),
    *("Range: bytes=0-", "If-None-Match: *", "X-Forwarded-Prefix: //evil", "Referer: \xe9"),
    *("X-Forwarded-Host: evil", "Authorization: Basic \xff", "If-Modified-Since: \xe9"),
]
HOSTS = [*["app.test"] * 12, "app.test:443", "evil", "[::1]", "a_b", "\xe9.test", "a:b:c", ""]


def wrong_request(random: Random, values: list[str]) -> bytes:
    """Return a request that is wrong in some ways. *values* are cookies and states."""
    pieces = [*QUERY, *values, *(value[:-1] for value in values)]
    target = random.choice(PATHS) + random.choice(["?", "?", "?", ""])
    target += inputs.text(random, pieces, 6)
    if random.random() < 0.9:  # most servers refuse the rest
        target = quote(target, safe="".join(map(chr, range(33, 127))), errors="replace")
    lines = [f"{random.choice(METHODS)} {target} HTTP/1.1", f"Host: {random.choice(HOSTS)}"]
    lines += random.sample(HEADERS, random.randint(0, 5))
    names = [value.partition("=")[0] for value in values]
    cookies = [
        random.choice([*values, f"{random.choice(names)}=x", "=", "a", '"\\377"']) for _ in range(4)
    ]
    lines += ["X-Forwarded-Proto: https"] * random.randint(0, 1) + [f"Cookie: {'; '.join(cookies)}"]
    body = inputs.octets(random, ["{", "}", '"OP":1', "[" * 40, "a=b&"])
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + body


def send_wrong_input(site: Site, seed: int, number: int, secret: set[str]) -> Counter[int]:
    """Send wrong input as one person who sometimes logs in, and count the statuses."""
    random, statuses = Random(seed), Counter[int]()
    browser = site.browser()
    for turn in range(number):
        if turn % 20 == 0:
            state = browser.start()
            browser.finish(state, new_code()) if random.random() < 0.5 else None
        own = [state, *(f"{name}={value}" for name, value in browser.jar.items())]
        request = wrong_request(random, [*own, callback(state, "a")])
        with closing(Connection(site.socket)) as connection, suppress(OSError, HTTPException):
            connection.send(request)
            answer = connection.read()
            statuses[answer.status] += answer.process > 0  # else gunicorn has refused it
            shown = f"{answer.location} {answer.set_cookies} {answer.body}"
            assert answer.status not in {500, 504}, (seed, request)
            assert [word for word in secret if word in shown] == [], (seed, request)
            assert "//evil" not in str(answer.location)[:8], (seed, request)
    return statuses


def memory_of(processes: set[int]) -> int:
    """Return the resident memory of some processes, in bytes."""
    pages = [int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in processes]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_wrong_input(store: str, tmp_path: Path) -> None:
    with backend(store, tmp_path) as own, Site(own, tmp_path) as site:
        member: Browser = site.browser()
        token = site.provider.tokens[member.log_in()]
        secret = {token, *(value for _, value in member.jar.items())}
        processes = {connection.process for connection in site.fleet().connections}
        statuses, sizes = Counter[int](), []
        for _ in range(3):
            with ThreadPoolExecutor(4) as pool:
                futures = [
                    pool.submit(send_wrong_input, site, secrets.randbits(32), NUMBER // 12, secret)
                    for _ in range(4)
                ]
                for future in futures:
                    statuses += future.result()
            sizes.append(memory_of(processes))
        assert {200, 302, 303, 400, 401, 403, 404, 405} <= statuses.keys()
        assert sizes[2] - sizes[0] < ROOM * len(processes)
        assert statuses.total() > NUMBER / 2
        assert member.token() == token
