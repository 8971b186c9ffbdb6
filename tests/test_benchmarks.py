"""The benchmarks keep up with the package. Their figures are not tested."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.server
def test_protected_view_on_redis() -> None:
    """Every contender logs in and is asked for a protected view. Ours costs one command.

    In a process of its own, because it changes Flask-Discord's addresses and the CA bundle.
    """
    for module in ("flask_dance", "flask_discord", "flask_login", "certifi"):
        pytest.importorskip(module, reason="needs the dependency group bench")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "redis-commands"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "|Redis reads, protected view|1|1|1|1|1|1|" in done.stdout
    assert "|Redis writes, protected view|0|1|1|1|1|1|" in done.stdout


def test_pages_have_a_place_for_each_table() -> None:
    pages = [ROOT / "docs/performance.md", ROOT / "docs/scale.md"]
    text = "".join(page.read_text() for page in pages)
    names = re.findall(r"<!-- (\w+) -->\n\n.*?\n<!-- end -->", text, re.DOTALL)
    assert names == ["table", "versions", "limits", "records", "commands", "cpu", "plan"]
