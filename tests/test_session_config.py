"""Values of `SESSION_*` keys that Flask would fail on at the first request."""

from __future__ import annotations

from datetime import timedelta
from math import nan
from typing import Any

import pytest

from flask_altdentifier.errors import ConfigError

from .support import make_app


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("SESSION_TYPE", [7, b"redis"]),
        ("SESSION_KEY_PREFIX", [None, 7]),
        ("SESSION_COOKIE_NAME", [1, "", "a b", "a;b", None]),
        ("SESSION_COOKIE_DOMAIN", [1, "a.example;", "a b"]),
        ("SESSION_COOKIE_PATH", [5, "app", "/a;b", "/ü"]),
        ("SESSION_COOKIE_SECURE", ["no", "False", 1, None]),
        ("SESSION_COOKIE_SAMESITE", ["bogus", True, 1]),
        (
            "PERMANENT_SESSION_LIFETIME",
            ["abc", True, False, None, 0, -1.5, nan, 1e300, 365_000 * 86_400],
        ),
    ],
)
def test_invalid_value_is_refused_at_registration(key: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ConfigError, match=f"^{key} must"):
            make_app(**{key: value})


@pytest.mark.parametrize("value", ["Strict", "None", None])
def test_same_site_is_what_browsers_know(value: str | None) -> None:
    make_app(SESSION_COOKIE_SAMESITE=value)


def test_valid_values_are_accepted() -> None:
    make_app(
        SESSION_COOKIE_DOMAIN=".app.example",
        SESSION_COOKIE_PATH="/app",
        SESSION_COOKIE_SAMESITE="lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=364_999),
    )
    make_app(SESSION_COOKIE_DOMAIN=False, PERMANENT_SESSION_LIFETIME=3600.5)
