"""The `Cookie` header: whoever is logged in has sent the login cookie, as any reader finds it."""

from __future__ import annotations

import re
from random import Random

from flask_altdentifier.browser.cookies import MAX_SAME_NAME
from tests.support import cookies_of, log_in, make_app, start

from . import inputs

HTTPS = "https://localhost"
_PIECES = [*';,= \t"\\\x1c\x85\xa0aé', "; ", "%3d", "\\073"]
_LOGIN_ID = re.compile(r"[A-Za-z0-9_-]{43}")


class Cookies:
    """A protected view, against the rules of RFC 6265bis section 5.7."""

    def __init__(self) -> None:
        app = make_app()
        browser = app.test_client()
        log_in(browser, base_url=HTTPS)
        [(self.name, self.login_id)] = cookies_of(browser).items()
        start(browser, base_url=HTTPS)
        pairs = [f"{name}={value}" for name, value in cookies_of(browser).items()]
        self.pieces = [*_PIECES, *pairs, self.name, self.login_id, f"{self.name}={'A' * 43}"]
        self.client = app.test_client(use_cookies=False)

    def make(self, random: Random) -> str:
        """Return a `Cookie` header, with our cookies in it, more or less."""
        parts = [inputs.text(random, self.pieces, 4) for _ in range(random.randint(0, 5))]
        parts += [f"{self.name}={self.login_id}"] * (random.random() < 0.4)
        random.shuffle(parts)
        header = "; ".join(parts).encode("utf-8", "replace").decode("latin-1")
        return re.sub(r"[\r\n\x00]", "", header)

    def check(self, given: str) -> bool:
        """Compare the answer with the cookies that a strict reader finds."""
        pairs = [pair.partition("=") for pair in given.split(";")]
        values = [value.strip(" \t") for name, _, value in pairs if name.strip(" \t") == self.name]
        ids = [value.strip('"') for value in values if _LOGIN_ID.fullmatch(value.strip('"'))]
        status = self.client.get("/me", base_url=HTTPS, headers={"Cookie": given}).status_code
        assert status in {200, 401}
        if status == 200:
            assert self.login_id in ids
        elif self.login_id in values and '"' not in given:  # a quoted value hides what follows it
            assert len(ids) > MAX_SAME_NAME
        return status == 200
