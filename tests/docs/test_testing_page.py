"""The tests on the page about testing pass, in a run of their own."""

from __future__ import annotations

import re
import sys

import pytest

from .pages import example

pytest_plugins = ["pytester"]


def test_pytest(pytester: pytest.Pytester) -> None:
    """All pass, and nothing is skipped."""
    page = example("testing")
    page.write(pytester.path)
    written = [re.findall(r"^def test_", block.code, re.MULTILINE) for block in page.blocks]
    result = pytester.runpytest_subprocess("-Werror")
    result.assert_outcomes(passed=sum(map(len, written)))


def test_unittest(pytester: pytest.Pytester) -> None:
    """The test without pytest passes without it."""
    for name in ("", "unittest"):
        example("testing", name).write(pytester.path)
    result = pytester.run(sys.executable, "-Werror", "-m", "unittest", "test_unittest")
    assert result.ret == 0, result.stderr.str()
