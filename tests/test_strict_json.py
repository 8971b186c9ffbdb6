"""JSON from outside."""

from __future__ import annotations

from typing import Any

import pytest

from flask_altdentifier.strict_json import loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'"\xc3\xa9"', "é"),
        (b" 7\n", 7),
    ],
)
def test_json(text: bytes, value: Any) -> None:
    """What RFC 8259 allows is read."""
    assert loads(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"NaN",
        b'{"a": -Infinity}',
        b'"\xe9"',
        '{"a": 1}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
    ],
)
def test_no_json(text: bytes) -> None:
    """All else is a `ValueError`."""
    with pytest.raises(ValueError):  # noqa: PT011
        loads(text)


def test_options() -> None:
    """The reader's own options can be given."""
    assert loads(b'{"a": 1}', parse_int=str, object_pairs_hook=list) == [("a", "1")]
