"""Scopes: the two that AltDentifier documents, and the syntax of RFC 6749 section 3.3."""

from __future__ import annotations

import re
from collections.abc import Iterable

READ_USER = "read:user"
WRITE_INTEGRATIONS = "write:integrations"

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


def parse(text: str) -> frozenset[str]:
    """Return the scope tokens of a space-separated string; the empty string has none.

    Raises `ValueError` for a character that RFC 6749 section 3.3 does not allow.
    """
    return checked(token for token in text.split(" ") if token)


def checked(tokens: Iterable[str]) -> frozenset[str]:
    """Return *tokens* as a set.

    Raises `ValueError` for one that is no scope token of RFC 6749 section 3.3.
    """
    scopes = list(tokens)
    for token in scopes:
        if not isinstance(token, str) or not _SCOPE_TOKEN.fullmatch(token):
            raise ValueError(f'{token!r} is not a scope: printable ASCII without space, " and \\')
    return frozenset(scopes)


def join(scopes: Iterable[str]) -> str:
    """Return *scopes* as one string, sorted, so that the same scopes give the same URL."""
    return " ".join(sorted(scopes))
