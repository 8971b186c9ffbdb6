"""Parses JSON from other servers strictly by RFC 8259.

Python's own parser accepts more than the RFC, and raises more than `ValueError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

#: Levels of nesting that are accepted, the outermost array or object included.
MAX_DEPTH = 32

# A string, which may lack its end, or a bracket. The string always matches at the first attempt,
# so the scan is linear.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class InvalidJSON(ValueError):
    """The text is not JSON, is nested too deeply, or repeats a name. The message has none of it."""


def loads(data: bytes, *, unique_names: bool = False, parse_int: Callable[[str], Any] = int) -> Any:
    """Return the value of a JSON text.

    Args:
        data: The text, in UTF-8 without a byte order mark.
        unique_names: Refuse objects that repeat a name. By default, the last value counts.
        parse_int: Converts the digits of an integer. `float` accepts any number of digits.

    Returns:
        The value, made of dicts, lists, strings, numbers, booleans and None.

    Raises:
        InvalidJSON: The text is not JSON, or is nested deeper than 32 levels. A `ValueError`.

    Example::

        loads(b'{"op": "verify"}')["op"]
    """
    try:
        text = data.decode()
        _check_depth(text)
        return json.loads(
            text,
            parse_int=parse_int,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique if unique_names else None,
        )
    except InvalidJSON:
        raise
    except ValueError:
        # The original error has the whole text as an attribute, which may contain a token.
        raise InvalidJSON("is not JSON") from None


def _check_depth(text: str) -> None:
    # The interpreter's recursion limit is no substitute: Python 3.14 reads 30,000 levels.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise InvalidJSON(f"is nested deeper than {MAX_DEPTH} levels")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise InvalidJSON("has a name twice")
    return members


def _refuse_constant(constant: str) -> NoReturn:
    raise InvalidJSON(f"contains {constant}")
