"""Token responses, valid and not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_altdentifier.oauth.token_response import (
    DEFAULT_LIFETIME,
    MAX_LIFETIME,
    parse_token_response,
)

VALID = {"access_token": "t", "token_type": "Bearer", "expires_in": 60, "scope": "b a"}


def parse(**members: Any) -> dict[str, Any]:
    """Parse the valid response with other members."""
    return parse_token_response(json.dumps(VALID | members).encode())


def test_only_members_that_count_are_returned() -> None:
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 60.0}
    token["scope"] = frozenset({"a", "b"})
    assert parse(expires_at=1, extra={"a": [1]}, error="invalid_grant") == token


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"[" * 100_000),
        b'{"access_token":"t","token_type":"bearer","access_token":"u"}',
        b'{"access_token":"t","token_type":"bearer","expires_in":NaN}',
    ],
)
def test_other_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_token_response(body)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"object"'])
def test_only_an_object_is_a_token(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^object$"):
        parse_token_response(body)


INVALID: dict[str, list[Any]] = {
    "access_token": [None, "", 7, True, [], {}, "a\nb", "é", "\x7f", "a\ud800"],
    "token_type": [None, "", "mac", "bearer ", 7, ["Bearer"]],
    "expires_in": [0, -1, -0.0, "0", "-1", "1.5", "", "\u0663", True, [], {}],
    "scope": [7, ["read:user"], {}, "a\tb", 'a"'],
}


@pytest.mark.parametrize(("member", "value"), [(m, v) for m in INVALID for v in INVALID[m]])
def test_invalid_member_is_refused(member: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{member}$"):
        parse(**{member: value})


def test_token_type_is_case_insensitive() -> None:
    """RFC 6749 section 5.1."""
    assert parse(token_type="bEARER")["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, DEFAULT_LIFETIME),
        (1, 1),
        (0.5, 0.5),
        ("3600", 3600),
        (MAX_LIFETIME + 1, MAX_LIFETIME),
        ("9" * 5000, MAX_LIFETIME),
    ],
)
def test_lifetime_is_a_week_if_absent_and_ten_years_at_most(value: Any, seconds: float) -> None:
    """It is a positive number, or its digits."""
    assert parse(expires_in=value)["expires_in"] == seconds


def test_lifetime_of_many_digits() -> None:
    body = b'{"access_token":"t","token_type":"bearer","expires_in":%s}' % (b"9" * 5000)
    assert parse_token_response(body)["expires_in"] == MAX_LIFETIME


@pytest.mark.parametrize(("value", "kept"), [("r", "r"), (None, None), (7, None), ("", None)])
def test_refresh_token_is_optional(value: Any, kept: str | None) -> None:
    assert parse(refresh_token=value).get("refresh_token") == kept
