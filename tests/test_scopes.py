"""Scope syntax."""

from __future__ import annotations

import pytest

from flask_altdentifier import scopes


def test_parse_splits_at_spaces() -> None:
    """Scopes are separated by spaces, in any order, and count once."""
    assert scopes.parse(" b  a b ") == {"a", "b"}


def test_empty_string_has_no_scope() -> None:
    """No scope is a set without members."""
    assert scopes.parse("") == frozenset()


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\tb", "a\nb", "é", "\x7f", "\ud800"])
def test_odd_characters_are_refused(text: str) -> None:
    """A character that RFC 6749 section 3.3 does not allow is an error."""
    with pytest.raises(ValueError, match="is not a scope"):
        scopes.parse(text)


@pytest.mark.parametrize("token", ["", "a b", 7, None])
def test_checked_takes_single_tokens_only(token: object) -> None:
    """One argument is one scope."""
    with pytest.raises(ValueError, match="is not a scope"):
        scopes.checked([token])  # type: ignore[list-item]


def test_join_sorts() -> None:
    """The same scopes give the same text."""
    assert scopes.join({"b", "a"}) == "a b"
