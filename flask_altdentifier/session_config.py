"""Validates the keys of Flask and Flask-Session that the extension reads.

Flask itself fails at the first request if one of them has the wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from .errors import ConfigError

# RFC 6265 section 4.1.1: a token, and values without control characters and semicolons.
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_COOKIE_DOMAIN = re.compile(r"[.0-9A-Za-z_-]+")
_COOKIE_PATH = re.compile(r"/[!-:<-~]*")


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_same_site(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.lower() in {"lax", "strict", "none"})


def _is_lifetime(value: Any) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            value = timedelta(seconds=value)
        except (OverflowError, ValueError):
            return False
    # Flask adds it to the current time, and dates end with the year 9999.
    return isinstance(value, timedelta) and timedelta(0) < value < timedelta(days=365_000)


def _or_none(is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_valid(value)


#: For each key: whether a value is valid, and what the message says if it is not.
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "SESSION_TYPE": (
        _or_none(lambda value: isinstance(value, str)),
        "must be a string, such as 'redis', or None.",
    ),
    "SESSION_KEY_PREFIX": (
        lambda value: isinstance(value, str),
        "must be a string. Remove it to use 'session:'.",
    ),
    "SESSION_COOKIE_NAME": (
        _matches(_COOKIE_NAME),
        "must be a cookie name of letters, digits, '_' and '-', such as 'session'.",
    ),
    "SESSION_COOKIE_DOMAIN": (
        lambda value: value in (None, False) or _matches(_COOKIE_DOMAIN)(value),
        "must be a domain such as '.example.com', or None.",
    ),
    "SESSION_COOKIE_PATH": (
        _or_none(_matches(_COOKIE_PATH)),
        "must be a path that starts with '/', or None.",
    ),
    "SESSION_COOKIE_SECURE": (
        lambda value: isinstance(value, bool),
        "must be True or False (true or false in the environment).",
    ),
    "SESSION_COOKIE_SAMESITE": (_is_same_site, "must be 'Lax', 'Strict', 'None' or None."),
    "PERMANENT_SESSION_LIFETIME": (
        _is_lifetime,
        "must be a timedelta, or a number of seconds, above 0 and below 1,000 years.",
    ),
}


def validate_session_config(config: Mapping[str, Any]) -> None:
    """Raise `ConfigError` for an invalid value. The message names the key and how to fix it."""
    for key, (is_valid, rule) in _RULES.items():
        if key in config and not is_valid(config[key]):
            raise ConfigError(f"{key} {rule}")
