"""JSON from outside, read as RFC 8259 has it: Python's own reader takes more, and raises more."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def loads(text: bytes, **options: Any) -> Any:
    """Return the value of a JSON *text* in UTF-8.

    *options* are those of `json.loads`. Raises `ValueError` for what is no JSON: another charset,
    NaN and Infinity, and what is nested deeper than Python goes.
    """
    try:
        return json.loads(text.decode(), parse_constant=_refuse, **options)
    except RecursionError:
        raise ValueError("too deep") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
