"""Makes inputs: pieces that are known to hurt, joined, cut and changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

#: Characters that mean something in URLs, forms, JSON and headers.
SPECIAL = "/\\?#@:;&=%+.,-_~!$'()*[]{}<>|^`\"\t\n\r\x00\x0b\x0c\x1b\x1f\x7f\x80\x85\xa0"
#: Characters that some parsers fold into others: full width, spaces, separators, surrogates.
FOLDING = (
    "\uff0f\uff3c\uff0e\uff1a\uff1f\uff03\uff20\u2028\u2029\u200b\u200d\ufeff\u3000\u0130\u212a\u2100"
    "\ufffd\ud800\udfff\U0001f600"
)


def text(random: Random, pieces: Sequence[str], most: int = 8) -> str:
    """Return up to *most* pieces, joined and then changed."""
    made = "".join(_piece(random, pieces) for _ in range(random.randint(0, most)))
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        made = _change(random, made)
    return made


def octets(random: Random, pieces: Sequence[str], most: int = 8) -> bytes:
    """Return *text* in UTF-8, or nearly so: surrogates make bytes that are not UTF-8."""
    return text(random, pieces, most).encode("utf-8", "surrogatepass")


def _piece(random: Random, pieces: Sequence[str]) -> str:
    kind = random.random()
    if kind < 0.95:
        return random.choice(pieces if kind < 0.75 else SPECIAL if kind < 0.88 else FOLDING)
    return chr(random.choice([random.randrange(0x80), random.randrange(0x110000)]))


def _change(random: Random, made: str) -> str:
    start = random.randint(0, len(made))
    end = random.randint(start, len(made))
    part = made[start:end]
    encoded = "".join(f"%{byte:02x}" for byte in part.encode("utf-8", "surrogatepass"))
    changes = ["", part * 2, part.upper(), part[::-1], encoded, part + random.choice(SPECIAL)]
    return made[:start] + random.choice(changes) + made[end:]
