"""The token response: it is a grant that can be kept, or it is refused."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

from flask_altdentifier import Grant
from flask_altdentifier.errors import ProviderError
from flask_altdentifier.oauth.token_response import MAX_LIFETIME
from tests.support import altdentifier, make_app, state_of

_NAMES = ["access_token", "token_type", "expires_in", "scope", "refresh_token", "x", ""]
_TEXTS = [
    *("", "a", "Bearer", "BEARER", "mac", "read:user", "read:user write:integrations", "-1"),
    *("é", "\n", "\x7f", '"', "\\", "\ud800", "1", "604800", "1e3", "٣", " ", "9" * 400),
]
_VALUES = [
    *("NaN", "Infinity", "1e400", "-0", "0.0", "1e-400", "01", "1.", "0x1", "nul", "'a'", "\ufeff"),
    *("0", "1", "-1", "1.5", "1" + "0" * 30, "604800", "true", "null", "9" * 5000, "[" * 3000),
    *("{}", "[]", '{"a": [1]}', '{"a": 1, "a": 2}', "[" * 33 + "]" * 33, '"\\u0000"', '"\\ud800"'),
    *(json.dumps(text) for text in _TEXTS),
    *(json.dumps(text, ensure_ascii=False) for text in _TEXTS),
]
_REQUESTED = frozenset({"read:user"})


class Token:
    """The exchange of a code, against what the standard library reads."""

    def __init__(self) -> None:
        app = make_app()
        self.provider, self.client = altdentifier(app), state_of(app).oauth

    def make(self, random: Random) -> bytes:
        """Return a body: JSON of a token response, more or less."""
        members = ['"access_token": "a"', '"token_type": "Bearer"']
        more = range(random.randint(0, 4))
        members += [f'"{random.choice(_NAMES)}": {random.choice(_VALUES)}' for _ in more]
        random.shuffle(members)
        body = "{" + ", ".join(members[random.randint(0, 1) :]) + "}"
        raw = body.encode("utf-8", "surrogatepass")
        if random.random() < 0.2:
            at = random.randint(0, len(raw))
            raw = raw[:at] + random.randbytes(random.randint(0, 2)) + raw[at + 1 :]
        return raw

    def check(self, given: bytes) -> bool:
        """Check that a grant can be kept, and stands in the body."""
        self.provider.body = given
        self.provider.requests.clear()
        before = time.time()
        try:
            grant = self.client.exchange_code(
                "code", redirect_uri="https://x/", code_verifier=None, requested_scope=_REQUESTED
            )
        except ProviderError:
            return False
        pairs: list[tuple[str, Any]] = []
        json.loads(
            given, parse_int=str, object_pairs_hook=lambda p: pairs.__setitem__(slice(None), p)
        )
        members = dict(pairs)  # of the outermost object, which comes last
        assert len(members) == len(pairs)
        assert grant.access_token == members["access_token"]
        assert members["token_type"].lower() == "bearer"
        assert grant.refresh_token in (None, members.get("refresh_token"))
        assert grant.scope <= _REQUESTED
        assert before - 1 <= grant.expires_at.timestamp() <= time.time() + MAX_LIFETIME + 1
        tokens = grant.access_token + (grant.refresh_token or "")
        assert tokens.isascii()
        assert tokens.isprintable()
        assert Grant.from_record(json.loads(json.dumps(grant.to_record()))) == grant
        return True
