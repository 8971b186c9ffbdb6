"""The table, and the pages of the docs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from string import Template

from .contenders import NAMES, load
from .lab import Row

#: What the contenders stand on.
BASE = ("Flask", "Werkzeug", "Flask-Session", "cachelib", "redis", "SQLAlchemy", "urllib3")
TEMPLATES = sorted(Path(__file__).parent.glob("*.md.in"))


def versions() -> str:
    """Return what was measured, on what, and how busy the machine was."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    names = dict.fromkeys([*BASE, *(load(name).distribution for name in NAMES)])
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    load_average = f"{os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f}"
    return f"{python} on {platform.system()}, {load_average}. {packages}."


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join([line(head), f"|{' --- |' * len(head)}", *map(line, lines)])


def line(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def heading() -> str:
    """Return the head of the table of all lines."""
    return table(["", *(load(name).title for name in NAMES), "target"], [])


def row_line(row: Row) -> str:
    """Return one line of it: each one's median and, in brackets, what part of it ours is."""
    target = " and ".join(target.text for target in row.targets)
    if not row.met and target:
        target = f"**missed:** {target}"
    return line([row.title, *(_cell(row, name) for name in NAMES), target])


def write(rows: Sequence[Row], fields: Mapping[str, str], docs: Path) -> None:
    """Write the pages, whose templates take *fields*, into *docs*."""
    lines = "\n".join([heading(), *map(row_line, rows)])
    for template in TEMPLATES:
        page = Template(template.read_text()).substitute(fields, table=lines, versions=versions())
        (docs / template.stem).write_text(page)


def _cell(row: Row, name: str) -> str:
    if name in row.samples.failed:
        return f"failed: {row.samples.failed[name]}"
    if name not in row.samples.values:
        return ""
    value = row.samples.median(name)
    text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    if row.exact or name == "ours" or "ours" not in row.samples.values:
        return text
    return f"{text} ({row.samples.ratio('ours', name):.2f})"
