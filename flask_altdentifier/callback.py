"""Reads what comes back to the redirect URI (RFC 6749 section 4.1.2), strictly."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus, unquote_to_bytes

from .errors import AccessDenied, LoginError

#: Longest value of a parameter, in bytes as they come.
MAX_VALUE = 2048

_ENCODED = re.compile(rb"(?:[!-$&-~]|%[0-9A-Fa-f]{2})*")
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")


class CallbackQuery:
    """The raw query of a callback."""

    def __init__(self, raw: bytes) -> None:
        self._values: dict[str, list[bytes]] = {}
        for pair in filter(None, raw.split(b"&")):
            name, _, value = pair.partition(b"=")
            self._values.setdefault(unquote_plus(name.decode("latin-1")), []).append(value)

    @property
    def state(self) -> str | None:
        """The state, or None where it is missing, repeated or not one of ours."""
        try:
            state = self._one("state")
        except LoginError:
            return None
        return state if state is not None and _STATE.fullmatch(state) else None

    @property
    def code(self) -> str:
        """The authorization code.

        Raises `AccessDenied` where the user said no, and `LoginError` for any other error and for
        what is no answer: code and error, neither, any parameter that comes twice or malformed.
        """
        code, error = self._one("code"), self._one("error")
        if error == "access_denied" and code is None:
            raise AccessDenied
        if error is not None or not code:
            raise LoginError
        for name in self._values:  # section 3.1: no parameter more than once, known or not
            self._one(name)
        return code

    def _one(self, name: str) -> str | None:
        """Return the value of *name*. Raises `LoginError` where it comes twice or malformed."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1 or len(values[0]) > MAX_VALUE or not _ENCODED.fullmatch(values[0]):
            raise LoginError
        value = unquote_to_bytes(values[0].replace(b"+", b" "))
        if not re.fullmatch(rb"[ -~]*", value):
            raise LoginError
        return value.decode()
