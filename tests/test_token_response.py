"""Token responses, valid and not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_altdentifier import token_response

VALID = {"access_token": "t", "token_type": "Bearer", "expires_in": 60, "scope": "b a"}


def parse(**members: Any) -> dict[str, Any]:
    """Parse the valid response with other members."""
    return token_response.parse(json.dumps(VALID | members).encode())


def test_valid_response() -> None:
    """Only the members that count are kept."""
    assert parse(expires_at=1, extra={"a": [1]}) == {
        "access_token": "t",
        "token_type": "Bearer",
        "expires_in": 60.0,
        "scope": "a b",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"token"',
        b"{",
        b"<html>",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"access_token":"t","token_type":"bearer","access_token":"u"}',
        b'{"access_token":"t","token_type":"bearer","expires_in":NaN}',
        b'{"access_token":"t","token_type":"bearer","expires_in":Infinity}',
        b'{"access_token":"\\ud800","token_type":"bearer"}',
    ],
)
def test_garbage_is_refused(body: bytes) -> None:
    """What is no JSON object with each name once is an error, never a crash."""
    with pytest.raises(ValueError, match=r"."):
        token_response.parse(body)


@pytest.mark.parametrize("value", [None, "", 7, True, [], {}, "a\nb", "é", "\x7f", "a\ud800"])
def test_access_token_is_printable_text(value: Any) -> None:
    """The access token is non-empty printable ASCII."""
    with pytest.raises(ValueError, match="access_token"):
        parse(access_token=value)


@pytest.mark.parametrize("value", [None, "", "mac", "bearer ", 7, ["Bearer"]])
def test_token_type_is_bearer(value: Any) -> None:
    """Only bearer tokens are understood."""
    with pytest.raises(ValueError, match="token_type"):
        parse(token_type=value)


def test_token_type_in_any_case() -> None:
    """RFC 6749 section 5.1: the token type is case insensitive."""
    assert parse(token_type="bEARER")["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 604_800),
        (1, 1),
        (0.5, 0.5),
        ("3600", 3600),
        (10**30, token_response.MAX_LIFETIME),
        ("9" * 5000, token_response.MAX_LIFETIME),
    ],
)
def test_lifetime(value: Any, seconds: float) -> None:
    """A lifetime is a positive number or its digits; ten years are enough."""
    assert parse(expires_in=value)["expires_in"] == seconds


def test_lifetime_of_many_digits() -> None:
    """A JSON number that Python refuses to convert is long enough too."""
    body = b'{"access_token":"t","token_type":"bearer","expires_in":%s}' % (b"9" * 5000)
    assert token_response.parse(body)["expires_in"] == token_response.MAX_LIFETIME


@pytest.mark.parametrize(
    "value", [0, -1, -0.0, "0", "-1", "1.5", "", "soon", "\u0663", True, [], {}]
)
def test_wrong_lifetime_is_refused(value: Any) -> None:
    """What is not a positive number of seconds is an error."""
    with pytest.raises(ValueError, match="expires_in"):
        parse(expires_in=value)


def test_absent_scope_stays_absent() -> None:
    """An absent scope means as requested; that is not decided here."""
    body = json.dumps({k: v for k, v in VALID.items() if k != "scope"}).encode()
    assert "scope" not in token_response.parse(body)


@pytest.mark.parametrize("value", [None, 7, ["read:user"], "a\tb", 'a"'])
def test_wrong_scope_is_refused(value: Any) -> None:
    """A scope is a string of scope tokens."""
    with pytest.raises(ValueError, match="scope"):
        parse(scope=value)


@pytest.mark.parametrize(("value", "kept"), [("r", "r"), (None, None), (7, None), ("", None)])
def test_refresh_token_is_kept_where_it_is_text(value: Any, kept: str | None) -> None:
    """A refresh token of another type is dropped like any member that does not count."""
    assert parse(refresh_token=value).get("refresh_token") == kept


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*VALID, "refresh_token", "error"]), json_values))
def test_any_object_is_a_token_or_an_error(members: dict[str, Any]) -> None:
    """Whatever types come, the outcome is a checked token or `ValueError`."""
    try:
        token = token_response.parse(json.dumps(VALID | members).encode())
    except ValueError:
        return
    assert token["access_token"].isascii()
    assert 0 < token["expires_in"] <= token_response.MAX_LIFETIME


@given(st.binary())
def test_any_bytes_are_an_error(body: bytes) -> None:
    """Random bytes are never a token and never a crash."""
    with pytest.raises(ValueError, match=r"."):
        token_response.parse(body)
