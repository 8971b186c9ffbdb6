"""The catalog in `docs/security.md` names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def rows() -> list[list[str]]:
    """Return the cells of each row of the catalog."""
    text = (ROOT / "docs" / "security.md").read_text().partition("## The catalog")[2]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[-1] not in {"test", "---"}]


@cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_row_is_whole_and_names_a_test() -> None:
    assert rows()
    for cells in rows():
        assert len(cells) in {3, 4}
        assert all(cells)
        match = _TEST.fullmatch(cells[-1])
        assert match is not None, cells
        assert match[2] in functions_in(match[1]), cells[-1]


def test_no_row_is_repeated() -> None:
    first = [cells[0] for cells in rows()]
    assert len(first) == len(set(first))
