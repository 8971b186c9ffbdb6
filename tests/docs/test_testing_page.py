"""The tests on the page about testing pass, in a run of their own."""

from __future__ import annotations

import sys

import pytest

from .pages import example

pytest_plugins = ["pytester"]


@pytest.fixture(params=["with", "without"])
def options(request: pytest.FixtureRequest) -> list[str]:
    """Options of pytest: with pytest-flask and without."""
    return [] if request.param == "with" else ["-pno:pytest-flask"]


def test_pytest(pytester: pytest.Pytester, options: list[str]) -> None:
    """All pass, and nothing is skipped."""
    page = example("testing")
    page.write(pytester.path)
    written = sum(
        block.code.count("\ndef test_") + block.code.startswith("def test_")
        for block in page.blocks
    )
    result = pytester.runpytest_subprocess("-Werror", *options)
    result.assert_outcomes(passed=written)


def test_unittest(pytester: pytest.Pytester) -> None:
    """The test without pytest passes without it."""
    for name in ("", "unittest"):
        example("testing", name).write(pytester.path)
    result = pytester.run(sys.executable, "-Werror", "-m", "unittest", "test_unittest")
    assert result.ret == 0, result.stderr.str()
