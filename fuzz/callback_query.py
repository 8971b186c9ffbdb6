"""The callback's query: what is read from it is what any other reader would read."""

from __future__ import annotations

from random import Random

import ada_url

from flask_altdentifier.callback import MAX_VALUE, CallbackQuery
from flask_altdentifier.errors import AccessDenied, LoginError

from . import inputs

_STATE = b"s" * 43
_PIECES = [
    *(
        b"&",
        b"&",
        b"=",
        b"=",
        b"&&",
        b";",
        b"%26",
        b"%3d",
        b"+",
        b"%20",
        b"%",
        b"%%",
        b"%0a",
        b"%00",
    ),
    *(b"state", b"code", b"error", b"st%61te", b"%63ode", b"c+ode", b" code", b"code%00", b"State"),
    *(
        b"state=" + _STATE,
        b"&state=" + _STATE,
        b"code=a",
        b"&code=a-b_c.d~",
        b"&error=access_denied",
    ),
    *(
        b"access_denied",
        b"error=",
        b"&iss=https://evil.example",
        b"a",
        b"%2b",
        b"%C3%A9",
        b"\xc3\xa9",
    ),
    *(b"x" * 2000, b"%61" * 700, b"[]", b"code[]=a", b"state.x=", b"#", b"\xff", b"\x00", b"\r\n"),
]
_PAIRS = [b"state=" + _STATE, b"code=" + b"a%2F+b", b"x=%7e", b"iss=y"]


class Query:
    """`CallbackQuery`, against the form reader of the WHATWG URL standard."""

    def make(self, random: Random) -> bytes:
        """Return a raw query: an answer, more or less, or anything."""
        if random.random() < 0.3:
            return inputs.octets(random, _PIECES)
        pairs = random.sample(_PAIRS, random.randint(1, len(_PAIRS)))
        pairs += [inputs.octets(random, _PIECES, 1)] * (random.random() < 0.3)
        random.shuffle(pairs)
        return b"&".join(pairs)

    def check(self, given: bytes) -> bool:
        """Compare what was read with what another reader finds."""
        query = CallbackQuery(given)
        other = ada_url.URLSearchParams(given.decode("latin-1"))
        state = query.state
        if state is not None:
            assert other.get_all("state") == [state]
        try:
            code = query.code
        except AccessDenied:
            assert other.get_all("error") == ["access_denied"]
            assert other.get_all("code") == []
            return False
        except LoginError:
            return False
        assert other.get_all("code") == [code]
        assert other.get_all("error") == []
        assert 0 < len(code) <= MAX_VALUE
        assert code.isascii()
        assert code.isprintable()
        return state is not None
