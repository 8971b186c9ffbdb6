"""The catalogue in `docs/security.md` and the tests are in step."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_ROW = re.compile(r"^\| ([AF])([0-9]+) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def rows() -> list[tuple[str, int, list[str]]]:
    """Return the kind, the number and the cells of each row."""
    text = (DOCS / "security.md").read_text()
    return [
        (kind, int(number), [cell.strip() for cell in re.split(r"(?<!\\)\|", cells)])
        for kind, number, cells in _ROW.findall(text)
    ]


def named() -> list[tuple[str, str]]:
    """Return file and name of each test that the table names."""
    return [match for _, _, cells in rows() for match in _TEST.findall(cells[-1])]


@pytest.mark.parametrize(("kind", "least", "columns"), [("A", 60, 4), ("F", 40, 3)])
def test_rows_are_numbered_and_whole(kind: str, least: int, columns: int) -> None:
    """There are 60 attacks and 40 faults or more, numbered from 1, with no cell empty."""
    found = [(number, cells) for row_kind, number, cells in rows() if row_kind == kind]
    assert len(found) >= least
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    for number, cells in found:
        assert len(cells) == columns, number
        assert all(cells), number


def test_rows_differ() -> None:
    """No attack and no fault stands there twice."""
    told = [cells[0] for _, _, cells in rows()]
    assert len(told) == len(set(told))


def test_each_row_names_one_test() -> None:
    """The last cell is a test, and nothing else."""
    for kind, number, cells in rows():
        assert _TEST.fullmatch(cells[-1]), f"{kind}{number}"


def test_named_tests_are_collected() -> None:
    """Pytest collects each test that is named, and none of them is skipped for good."""
    files = sorted({file for file, _ in named()})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    collected = {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert collected, done.stdout + done.stderr
    assert {"::".join(test) for test in named()} - collected == set()
    for file, name in named():
        source = (ROOT / file).read_text()
        before = source[: source.index(f"def {name}(")].rpartition("\n\n")[2]
        assert "mark.skip(" not in before
        assert "mark.xfail" not in before


def test_numbers_of_faults_elsewhere_are_well_formed() -> None:
    """A CVE is a year and a number, and each source that the issue asks for is there."""
    text = (DOCS / "security.md").read_text()
    numbers = re.findall(r"CVE-[0-9A-Za-z-]+", text)
    assert numbers
    assert all(re.fullmatch(r"CVE-(?:20[0-2][0-9])-[0-9]{4,7}", number) for number in numbers)
    for source in (
        *("RFC 6749 section 10", "RFC 9700 section 4", "RFC 9207", "ASVS 5.0 7.", "ASVS 5.0 10."),
        *("conformance `", "Authlib CVE", "Flask CVE", "Werkzeug CVE", "requests CVE"),
        *("urllib3 CVE", "next-auth CVE", "omniauth CVE", "allauth CVE"),
    ):
        assert source in text
