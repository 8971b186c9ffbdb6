"""The webhook: only a body that is signed, and is a JSON object, becomes an event."""

from __future__ import annotations

import hashlib
import json
from random import Random
from typing import Any

from cachelib import SimpleCache
from flask import Flask

from flask_altdentifier import blueprint, webhooks

from . import inputs

_SECRET = "fuzz-webhook-secret"
_BODIES = [
    *(b"{", b"}", b"[", b"]", b'"OP"', b":", b"1", b"5", b"99", b"-1", b"1e400", b"NaN", b"null"),
    *(b",", b'"member"', b'{"id": "1"}', b'"method"', b'"captcha"', b'"\\ud800"', b'"\xc3\xa9"'),
    *(b'{"OP": 1}', b'{"OP": 2, "member": {"id": "1", "name": null}}', b"\xef\xbb\xbf", b"\xff"),
    *(b"\x00", b" ", b"\n", b"[" * 2000, b"9" * 5000, b'{"OP": true}', b'{"OP": 1, "OP": 2}'),
]
_VALUES = [
    "1",
    "null",
    '"a"',
    "[]",
    '{"id": "1"}',
    '{"id": 1}',
    "1e400",
    '"\\ud800"',
    "true",
    "NaN",
]
_HEADERS = ["MD5=", "md5=", "mD5 =", ",", " ", "\t", "=", "SHA-256=", "0" * 32, "==", "g" * 32, "é"]


class Webhook:
    """`POST /webhook`, against an HMAC that is reckoned another way."""

    def __init__(self) -> None:
        app = Flask("fuzz")
        app.config.update(
            ALTDENTIFIER_CLIENT_ID="id",
            ALTDENTIFIER_CLIENT_SECRET="secret",
            ALTDENTIFIER_WEBHOOK_SECRET=_SECRET,
            ALTDENTIFIER_STORE=SimpleCache(),
            PROPAGATE_EXCEPTIONS=True,
        )
        app.register_blueprint(blueprint)
        app.register_blueprint(webhooks.blueprint)
        self.events: list[webhooks.Event] = []
        webhooks.on(app)(self.events.append)
        self.client = app.test_client()

    def make(self, random: Random) -> tuple[bytes, str]:
        """Return a body and a header `Digest`."""
        body = inputs.octets(random, _BODIES)
        if random.random() < 0.5:
            values = [str(random.randint(-1, 7)), *random.sample(_VALUES, random.randint(0, 4))]
            names = ["OP", "member", "method", "1", "2"]
            pairs = (f'"{name}": {value}' for name, value in zip(names, values, strict=False))
            body = ("{" + ", ".join(pairs) + "}").encode()
        kind = random.random()
        right = reckoned(body)
        if kind < 0.5:
            return body, right
        if kind < 0.7:
            at = random.randint(0, len(right) - 1)
            return body, right[:at] + random.choice("0aG ,=") + right[at + 1 :]
        parts = [random.choice([right, *_HEADERS]) for _ in range(random.randint(0, 4))]
        return body, "".join(parts)

    def check(self, given: tuple[bytes, str]) -> bool:
        """Compare the answer with what the body and the header deserve."""
        body, digest = given
        self.events.clear()
        headers: list[tuple[str, str]] = [("Digest", digest)]
        status = self.client.post("/webhook", data=body, headers=headers).status_code
        assert status in {204, 400, 403}
        assert len(self.events) == (status == 204)
        if status == 204:
            [event] = self.events
            assert dict(event.raw) == strict(body)
        if status != 403:
            ours = [value.strip(" \t") for value in digest.split(",")]
            assert [value.upper() for value in ours].count(reckoned(body).upper()) == 1
        elif digest == reckoned(body):
            raise AssertionError("a body that is rightly signed is refused")
        if status == 400:
            assert not isinstance(strict(body), dict)
        return status == 204


def reckoned(body: bytes) -> str:
    """Return the digest by the definition of HMAC (RFC 2104), with hashlib alone."""
    key = _SECRET.encode().ljust(64, b"\0")
    inner = hashlib.md5(bytes(b ^ 0x36 for b in key) + body, usedforsecurity=False).digest()
    outer = hashlib.md5(bytes(b ^ 0x5C for b in key) + inner, usedforsecurity=False).hexdigest()
    return f"MD5={outer}"


def strict(body: bytes) -> Any:
    """Return the JSON value in *body*, None where it is none."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(body.decode("utf-8", "strict"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return None
