"""`next`: a browser that is sent there stays on this host."""

from __future__ import annotations

from random import Random

import ada_url

from flask_altdentifier import urls

from . import inputs

HOST = "https://app.example"
_PIECES = [
    *("/", "//", "///", "\\", "/\\", "\\/", "./", "../", "/.", "/..", "/./", "/../", "%2f", "%5c"),
    *("%2e", "%2E%2e", "%09", "%0a", "%00", "%", "%%", "%u2215", "\t", "\n", "\r", " ", "  "),
    *("http:", "https:", "HTTPS:", "javascript:", "data:", "blob:", "file:", "ws:", "a:", ":", "@"),
    *("evil.example", "evil.example:80", "user:pw@evil.example", "[::1]", "127.1", "0x7f.1"),
    *("a", "me", "home", "café", "?", "?a=1", "&b=//evil.example", "#", "#//evil.example", "*"),
]


class Next:
    """`urls.local_path`, against the WHATWG URL parser that browsers have."""

    def make(self, random: Random) -> str:
        """Return a path of this host, or anything."""
        return random.choice(["", "/", "/", "/a"]) + inputs.text(random, _PIECES)

    def check(self, given: str) -> bool:
        """Compare what was accepted with where a browser would go."""
        path = urls.local_path(given)
        if path is None:
            return False
        assert path.isascii()
        assert path.isprintable()
        assert " " not in path
        assert len(path) <= urls.MAX_PATH
        assert urls.local_path(path) == path
        for page in (f"{HOST}/login", f"{HOST}/a/b/c?d#e", f"{HOST}//evil.example/x"):
            there = ada_url.URL(path, base=page)
            assert there.origin == HOST
            assert (there.username, there.password) == ("", "")
            # The text as it was given too, because an app may show it in a link of its own.
            assert ada_url.URL(given, base=page).origin == HOST
        return True
