"""The benchmarks keep up with the package. Their figures are not tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("flask_dance", reason="needs the dependency group bench")

from benchmarks import __main__ as command
from benchmarks import lab
from benchmarks.lines import views

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.server
def test_protected_view_on_redis() -> None:
    """Every contender logs in and is asked for a protected view. Ours costs one command."""
    with lab.open_lab(quick=True) as opened:
        rows = views.redis_commands(opened)
    assert [row.samples["ours"] for row in rows] == [[1], [0]]
    assert all(row.met and len(row.samples) == 6 for row in rows)


def test_pages_have_a_place_for_each_table() -> None:
    pages = (DOCS / "performance.md").read_text() + (DOCS / "scale.md").read_text()
    names = re.findall(r"<!-- (\w+) -->\n\n.*?\n<!-- end -->", pages, re.DOTALL)
    assert set(names) == {"table", "versions", "limits", "commands", "records", "plan", "cpu"}
    assert command.FIELDS.keys() == {"limits", "scale"}
