"""The webhook: only a body that is signed, and is a JSON object, becomes an event."""

from __future__ import annotations

import hashlib
import json
import re
from itertools import accumulate
from random import Random

from flask_altdentifier import webhooks
from tests.support import make_app

from . import inputs
from .token_body import Token

_SECRETS = ["fuzz-webhook-secret", "older-secret"]
_BODIES = [
    *("{", "}", "[", "]", '"OP"', ":", "1", "99", "1e400", "NaN", "null", ",", '"member"'),
    "\ufeff",
    *('{"id": "1"}', '"method"', '"captcha"', '"\\ud800"', '"é"', '{"OP": 1}', '{"OP": 2.5}', " "),
    *("[" * 2000, "[" * 31, "9" * 5000, '{"OP": true, "method": []}', '{"OP": 1, "OP": 2}'),
]
_HEADERS = ["MD5=", "md5=", "mD5 =", ",", " ", "\t", "=", "SHA-256=", "0" * 32, "g" * 32, "é"]


class Webhook:
    """`POST /webhook`, against an HMAC that is computed another way."""

    def __init__(self) -> None:
        app = make_app(ALTDENTIFIER_WEBHOOK_SECRET=_SECRETS)
        app.register_blueprint(webhooks.blueprint)
        self.events: list[webhooks.Event] = []
        webhooks.on(app)(self.events.append)
        self.client = app.test_client()
        self.token = Token()  # makes JSON objects, more or less

    def make(self, random: Random) -> tuple[bytes, str]:
        """Return a body and a header `Digest`."""
        body = inputs.octets(random, _BODIES) if random.random() < 0.5 else self.token.make(random)
        right = digest(random.choice(_SECRETS), body)
        if random.random() < 0.6:
            at = random.randint(0, 3 * len(right))
            return body, right[:at] + random.choice("0aG ,=")[at // 36 :] + right[at + 1 :]
        parts = [random.choice([right, *_HEADERS]) for _ in range(random.randint(0, 4))]
        return body, "".join(parts)

    def check(self, given: tuple[bytes, str]) -> bool:
        """Compare the answer with what the body and the header deserve."""
        body, header = given
        self.events.clear()
        status = self.client.post("/webhook", data=body, headers={"Digest": header}).status_code
        right = {digest(secret, body).upper() for secret in _SECRETS}
        signed = [part for part in header.upper().split(",") if part.strip(" \t")[:4] == "MD5="]
        if len(signed) != 1 or signed[0].strip(" \t") not in right:
            expected = 403
        else:
            expected = 204 if is_object(body) else 400
        assert status == expected
        raw = [json.loads(body)] if status == 204 else []
        assert [dict(event.raw) for event in self.events] == raw
        return status == 204


def digest(secret: str, body: bytes) -> str:
    """Return the digest by the definition of HMAC (RFC 2104), with hashlib alone."""
    key = secret.encode().ljust(64, b"\0")
    inner = hashlib.md5(bytes(b ^ 0x36 for b in key) + body, usedforsecurity=False).digest()
    outer = hashlib.md5(bytes(b ^ 0x5C for b in key) + inner, usedforsecurity=False).hexdigest()
    return f"MD5={outer}"


def is_object(body: bytes) -> bool:
    """Return whether *body* is a JSON object of at most 32 levels, without NaN and Infinity."""
    constants: list[str] = []
    try:
        text = body.decode()
        value = json.loads(text, parse_constant=constants.append)
    except (ValueError, RecursionError):
        return False
    without_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    depth = max(accumulate((c in "[{") - (c in "]}") for c in without_strings), default=0)
    return isinstance(value, dict) and not constants and depth <= 32
