"""JSON from outside."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flask_altdentifier.strict_json import MAX_DEPTH, InvalidJSON, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'"\xc3\xa9"', "é"),
        (b" 7\n", 7),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_json_is_read(text: bytes, value: Any) -> None:
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
        b"1" * 5_000,
    ],
)
def test_other_text_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidJSON) as caught:
        loads(text)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_is_limited(start: bytes, end: bytes) -> None:
    """32 levels are read, the outermost included, and not one more."""

    def nested(depth: int) -> bytes:
        return start * depth + b"1" + end * depth

    loads(nested(MAX_DEPTH))
    loads(b"[" + b",".join([nested(MAX_DEPTH - 1)] * 2) + b"]")
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidJSON, match="nested"):
            loads(nested(depth))
    with pytest.raises(InvalidJSON, match="nested"):
        loads(b"[" + b",".join([nested(1), nested(MAX_DEPTH)]) + b"]")


def test_brackets_in_strings_are_no_levels() -> None:
    text = '[["\\"' + "[" * 100 + '"], "' + "{" * 100 + '"]'
    assert loads(text.encode()) == [['"' + "[" * 100], "{" * 100]


@pytest.mark.parametrize("text", ['"' + '\\"' * 30_000 + "\\", '"' * 60_001, '"\\' * 30_000])
def test_check_of_the_depth_is_linear(text: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidJSON):
        loads(("[]" * 33 + text).encode())
    assert time.process_time() - start < 1


def test_repeated_names_can_be_refused() -> None:
    with pytest.raises(InvalidJSON, match="twice"):
        loads(b'[{"a": 1, "a": 1}]', unique_names=True)


def test_integers_can_be_converted() -> None:
    """With `float`, an integer may have any number of digits."""
    assert loads(b"1" * 5_000, parse_int=float) == float("inf")
