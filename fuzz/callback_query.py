"""The callback's query: what is read from it is what any other reader would read."""

from __future__ import annotations

import re
from random import Random

import ada_url

from flask_altdentifier import errors
from flask_altdentifier.oauth.authorization_response import (
    AUTHORIZATION_ERRORS,
    MAX_VALUE,
    AuthorizationResponse,
)

from . import inputs

_STATE = "state=" + "s" * 43
_PIECES = [
    *("&", "&", "=", "=", "&&", ";", "%26", "%3d", "+", "%20", "%", "%0a", "%00", "a", "#", "[]"),
    *("state", "code", "error", "st%61te", "%63ode", "c+ode", " code", "code%00", "State", _STATE),
    *("state=", "code=", "error=", "access_denied", "error=invalid_scope", "code[]=a", "state.x="),
    *("&iss=https://evil.example", "%C3%A9", "é", "x" * 2000, "%61" * 700, "\r\n", f"&{_STATE}"),
]
_PAIRS = [_STATE, "code=a%2F+b", "x=%7e", "iss=y", "é=%zz"]


class Query:
    """`AuthorizationResponse`, against the form reader of the WHATWG URL standard."""

    def make(self, random: Random) -> bytes:
        """Return a raw query: an authorization response, more or less, or anything."""
        pairs = random.sample(_PAIRS, random.randint(0, len(_PAIRS)))
        pairs += [inputs.text(random, _PIECES, 3)] * random.randint(0, 1)
        random.shuffle(pairs)
        return "&".join(pairs).encode("utf-8", "surrogatepass")

    def check(self, given: bytes) -> bool:
        """Compare what was read with what another reader finds."""
        response = AuthorizationResponse(given)
        # "&", because the constructor removes a question mark.
        other = ada_url.URLSearchParams("&" + given.decode("latin-1"))
        state = response.state
        if state:
            assert other.get_all("state") == [state]
        try:
            code = response.code
        except errors.InvalidCallback:
            return False
        except errors.AltDentifierError:
            assert other.get_all("code") == []
            [error] = other.get_all("error")
            assert error in AUTHORIZATION_ERRORS
            return False
        assert other.get_all("code") == [code]
        assert other.get_all("error") == []
        assert 0 < len(code) <= MAX_VALUE
        assert re.fullmatch(r"[ -~]+", code)
        return state != ""
