"""Parses the successful response of the token endpoint (RFC 6749 section 5.1)."""

from __future__ import annotations

import re
from typing import Any

from .. import strict_json
from ..scopes import parse_scope

#: Seconds that a token lasts if the response has no `expires_in`, as AltDentifier documents it.
DEFAULT_LIFETIME = 604_800.0
#: Longest lifetime that is accepted, in seconds: ten years.
MAX_LIFETIME = 10 * 365 * 86_400.0

_PRINTABLE = re.compile(r"[ -~]+")


class InvalidTokenResponse(ValueError):
    """A member is missing or not valid. The message is the member's name."""


def parse_token_response(body: bytes) -> dict[str, Any]:
    """Validate a token response, and return its known members.

    Args:
        body: The body of a response with status 200.

    Returns:
        `access_token`, `token_type` (`"Bearer"`), `expires_in` (a float of seconds, above 0 and at
        most ten years), and, if the response has them, `refresh_token` (a string) and `scope` (a
        frozenset of scope tokens). Other members are left out.

    Raises:
        ValueError: The body is not a token response. It is `InvalidTokenResponse`, or
            `strict_json.InvalidJSON` if the body is not JSON or repeats a name.

    Example::

        parse_token_response(b'{"access_token": "t", "token_type": "Bearer"}')["expires_in"]
    """
    # Not int, because Python refuses to convert more than 4,300 digits to one.
    members = strict_json.loads(body, unique_names=True, parse_int=float)
    if not isinstance(members, dict):
        raise InvalidTokenResponse("object")
    token = {
        "access_token": _access_token(members.get("access_token")),
        "token_type": _token_type(members.get("token_type")),
        "expires_in": _lifetime(members.get("expires_in")),
    }
    if _is_token(members.get("refresh_token")):
        token["refresh_token"] = members["refresh_token"]
    if members.get("scope") is not None:
        token["scope"] = _scope(members["scope"])
    return token


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and _PRINTABLE.fullmatch(value) is not None


def _access_token(value: Any) -> str:
    if not _is_token(value):
        raise InvalidTokenResponse("access_token")
    return str(value)


def _token_type(value: Any) -> str:
    if not isinstance(value, str) or value.lower() != "bearer":
        raise InvalidTokenResponse("token_type")
    return "Bearer"


def _lifetime(value: Any) -> float:
    if value is None:
        return DEFAULT_LIFETIME
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = float(value)
    if not isinstance(value, float) or not value > 0:
        raise InvalidTokenResponse("expires_in")
    return min(value, MAX_LIFETIME)


def _scope(value: Any) -> frozenset[str]:
    if not isinstance(value, str):
        raise InvalidTokenResponse("scope")
    try:
        return parse_scope(value)
    except ValueError:
        raise InvalidTokenResponse("scope") from None
