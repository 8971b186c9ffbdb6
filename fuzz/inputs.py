"""Makes inputs: pieces that are known to hurt, joined, cut and bent at random."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

#: Characters that parsers of URLs, forms, JSON and headers take for something.
SPECIAL = "/\\?#@:;&=%+.,-_~!$'()*[]{}<>|^`\"\t\n\r\x00\x0b\x0c\x1b\x1f\x7f\x80\x85\xa0"
#: Characters that some parsers fold into others: full width, spaces, separators, surrogates.
FOLDING = (
    "\uff0f\uff3c\uff0e\uff1a\uff1f\uff03\uff20\u2028\u2029\u200b\u200d\ufeff\u3000\u0130\u212a\u2100"
    "\ufffd\ud800\udfff\U0001f600"
)


def text(random: Random, pieces: Sequence[str], most: int = 8) -> str:
    """Return up to *most* pieces, joined and then bent."""
    made = "".join(_piece(random, pieces) for _ in range(random.randint(0, most)))
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        made = _bent(random, made)
    return made


def _piece(random: Random, pieces: Sequence[str]) -> str:
    kind = random.random()
    if kind < 0.65:
        return random.choice(pieces)
    if kind < 0.8:
        return random.choice(SPECIAL)
    if kind < 0.9:
        return random.choice(FOLDING)
    return chr(random.choice([random.randrange(0x80), random.randrange(0x110000)]))


def _bent(random: Random, made: str) -> str:
    start = random.randint(0, len(made))
    end = random.randint(start, len(made))
    part = made[start:end]
    change = random.choice(
        [
            "",
            part * 2,
            part.upper(),
            part[::-1],
            "".join(f"%{byte:02x}" for byte in part.encode("utf-8", "surrogatepass")),
            part + random.choice(SPECIAL),
        ]
    )
    return made[:start] + change + made[end:]


def octets(random: Random, pieces: Sequence[bytes], most: int = 12) -> bytes:
    """Return up to *most* pieces of bytes, joined and then bent."""
    made = b"".join(
        random.choice(pieces) if random.random() < 0.85 else random.randbytes(random.randint(1, 3))
        for _ in range(random.randint(0, most))
    )
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        start = random.randint(0, len(made))
        end = random.randint(start, len(made))
        made = made[:start] + random.choice([b"", made[start:end] * 2, b"%"]) + made[end:]
    return made
