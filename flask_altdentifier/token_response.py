"""Reads the body of a successful token response (RFC 6749 section 5.1), strictly."""

from __future__ import annotations

import re
from typing import Any

from . import scopes, strict_json

#: Seconds that a token lasts when the response does not tell: what AltDentifier documents.
DEFAULT_LIFETIME = 604_800
#: Longest lifetime that is believed, in seconds: ten years.
MAX_LIFETIME = 10 * 365 * 86_400

_VSCHARS = re.compile(r"[ -~]+")


def parse(body: bytes) -> dict[str, Any]:
    """Return the members that count, checked: `access_token`, `token_type`, `expires_in` and,
    where the response has them, `refresh_token` and `scope`.

    `expires_in` is a float of seconds, between 0 and `MAX_LIFETIME`. Raises `ValueError` for what
    is no token response: not UTF-8, not JSON, a name twice, a member of another type.
    """
    members = strict_json.loads(body, object_pairs_hook=_once, parse_int=float)
    if not isinstance(members, dict):
        raise ValueError("not an object")
    token = {
        "access_token": _text(members.get("access_token")),
        "token_type": _bearer(members.get("token_type")),
        "expires_in": _lifetime(members.get("expires_in")),
    }
    if _is_text(members.get("refresh_token")):
        token["refresh_token"] = members["refresh_token"]
    if "scope" in members:
        token["scope"] = _scope(members["scope"])
    return token


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name twice")
    return members


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _VSCHARS.fullmatch(value) is not None


def _text(value: Any) -> str:
    if not _is_text(value):
        raise ValueError("access_token")
    return str(value)


def _bearer(value: Any) -> str:
    if not isinstance(value, str) or value.lower() != "bearer":
        raise ValueError("token_type")
    return "Bearer"


def _lifetime(value: Any) -> float:
    if value is None:
        return DEFAULT_LIFETIME
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = float(value)
    if not isinstance(value, float) or not value > 0:
        raise ValueError("expires_in")
    return min(value, MAX_LIFETIME)


def _scope(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("scope")
    return scopes.join(scopes.parse(value))
