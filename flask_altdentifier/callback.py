"""Reads what comes back to the redirect URI (RFC 6749 section 4.1.2), strictly."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus, unquote_to_bytes

from .errors import AccessDenied, LoginError

#: Longest value of a parameter, in bytes.
MAX_VALUE = 2048

_ENCODED = re.compile(rb"(?:[!-$&-~]|%[0-9A-Fa-f]{2})*")
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")


class CallbackQuery:
    """The raw query of a callback."""

    def __init__(self, raw: bytes) -> None:
        pairs = (pair.partition(b"=")[::2] for pair in raw.split(b"&"))
        self._pairs = [(unquote_plus(name.decode("latin-1")), value) for name, value in pairs]

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
        what is no answer: code and error, neither, one twice, one malformed.
        """
        code, error = self._one("code"), self._one("error")
        if error == "access_denied" and code is None:
            raise AccessDenied
        if error is not None or not code:
            raise LoginError
        return code

    def _one(self, name: str) -> str | None:
        """Return the value of *name*. Raises `LoginError` where it comes twice or malformed."""
        values = [value for key, value in self._pairs if key == name]
        if not values:
            return None
        if len(values) > 1 or not _ENCODED.fullmatch(values[0]):
            raise LoginError
        value = unquote_to_bytes(values[0].replace(b"+", b" "))
        if len(value) > MAX_VALUE or not re.fullmatch(rb"[ -~]*", value):
            raise LoginError
        return value.decode()
