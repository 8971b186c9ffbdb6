"""The token response: it is a grant that can be kept, or it is refused."""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

from urllib3 import HTTPHeaderDict

from flask_altdentifier.errors import ProviderError
from flask_altdentifier.grant import Grant
from flask_altdentifier.provider import Provider
from flask_altdentifier.settings import Settings
from flask_altdentifier.token_response import MAX_LIFETIME
from flask_altdentifier.transport import Response

_NAMES = [
    "access_token",
    "token_type",
    "expires_in",
    "scope",
    "refresh_token",
    "x",
    "expires_at",
    "",
]
_TEXTS = [
    *("", "a", "Bearer", "bearer", "BEARER", "mac", "read:user", "read:user write:integrations"),
    *("é", "\n", "\x7f", '"', "\\", "\ud800", "1", "604800", "-1", "1e3", "٣", " ", "9" * 400),
]
_RAW = [
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-0",
        "0.0",
        "1e-400",
        "9" * 5000,
        "01",
        "1.",
        "0x1",
    ),
    *("{}", "[]", "null", "true", "[" * 3000, "\ufeff", "'a'", "nul", '"\\u0000"', '"\\ud800"'),
]
_REQUESTED = frozenset({"read:user"})


class Canned:
    """A transport that gives one body."""

    body = b""

    def request(self, *args: object, **options: object) -> Response:
        """Return the body with status 200."""
        return Response(200, HTTPHeaderDict(), self.body)


class Token:
    """`Provider.exchange`, against what the standard library reads."""

    def __init__(self) -> None:
        self.transport = Canned()
        config = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "secret"}
        self.provider = Provider(Settings.from_config(config), self.transport)

    def make(self, random: Random) -> bytes:
        """Return a body: JSON of a token response, more or less."""
        members = [
            '"access_token": "a"',
            '"token_type": "Bearer"',
            *(self._member(random) for _ in range(random.randint(0, 4))),
        ]
        random.shuffle(members)
        body = "{" + ", ".join(members[random.randint(0, 1) :]) + "}"
        raw = body.encode("utf-8", "surrogatepass")
        if random.random() < 0.2:
            at = random.randint(0, len(raw))
            raw = raw[:at] + random.randbytes(random.randint(0, 2)) + raw[at + 1 :]
        return raw

    def _member(self, random: Random) -> str:
        return f"{json.dumps(random.choice(_NAMES))}: {self._value(random, 2)}"

    def _value(self, random: Random, depth: int) -> str:
        kind = random.randint(0, 4 if depth else 2)
        if kind == 0:
            return random.choice(_RAW)
        if kind == 1:
            return json.dumps(random.choice([0, 1, -1, 1.5, 10**30, 604800, True, None]))
        if kind == 2:
            return json.dumps(random.choice(_TEXTS), ensure_ascii=random.random() < 0.5)
        inner = [self._value(random, depth - 1) for _ in range(random.randint(0, 2))]
        if kind == 3:
            return "[" + ", ".join(inner) + "]"
        return "{" + ", ".join(f'"{number}": {value}' for number, value in enumerate(inner)) + "}"

    def check(self, given: bytes) -> bool:
        """Check that a grant is one, and stands in the body."""
        self.transport.body = given
        before = time.time()
        try:
            grant = self.provider.exchange(
                "code", redirect_uri="https://x/", verifier=None, requested_scope=_REQUESTED
            )
        except ProviderError:
            return False
        names: list[str] = []

        def count(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            names[:] = [name for name, _ in pairs]  # the outermost object comes last
            return dict(pairs)

        members = json.loads(given, parse_int=str, object_pairs_hook=count)
        assert len(names) == len(set(names))
        assert grant.access_token == members["access_token"]
        assert members["token_type"].lower() == "bearer"
        assert grant.refresh_token in (None, members.get("refresh_token"))
        assert grant.scope <= _REQUESTED
        assert before - 1 <= grant.expires_at.timestamp() <= time.time() + MAX_LIFETIME + 1
        for text in (grant.access_token, grant.refresh_token or "x"):
            assert text.isascii()
            assert text.isprintable()
        record = json.loads(json.dumps(grant.to_record(), allow_nan=False))
        assert Grant.from_record(record) == grant
        return True
