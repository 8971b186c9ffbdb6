"""Scope syntax, and the documented scopes."""

from __future__ import annotations

import pytest

from flask_altdentifier import scopes
from flask_altdentifier.scopes import format_scope, parse_scope, validate_scopes


def test_documented_scopes_are_complete() -> None:
    assert {scopes.READ_USER, scopes.WRITE_INTEGRATIONS} == scopes.DOCUMENTED_SCOPE_NAMES
    assert all(scope.label and scope.description for scope in scopes.DOCUMENTED_SCOPES.values())


@pytest.mark.parametrize(("text", "expected"), [(" b  a b ", {"a", "b"}), ("", set())])
def test_parse_scope(text: str, expected: set[str]) -> None:
    assert parse_scope(text) == expected


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\tb", "a\nb", "é", "\x7f", "\ud800"])
def test_other_characters_are_refused(text: str) -> None:
    """RFC 6749 section 3.3 does not allow them."""
    with pytest.raises(ValueError, match="is not a scope"):
        parse_scope(text)


@pytest.mark.parametrize("token", ["", "a b", 7, None])
def test_validate_scopes_takes_single_tokens(token: object) -> None:
    with pytest.raises(ValueError, match="is not a scope"):
        validate_scopes([token])  # type: ignore[list-item]


def test_format_scope_sorts() -> None:
    assert format_scope({"b", "a"}) == "a b"
