"""The table, and the pages of docs, with the plot."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template

from . import markdown, plot
from .contenders import NAMES, load
from .lab import Row

#: What the contenders stand on.
BASE = ("Flask", "Werkzeug", "Flask-Session", "cachelib", "redis", "urllib3", "requests")
TEMPLATES = sorted(Path(__file__).parent.glob("*.md.in"))


def versions() -> str:
    """Return what was measured, and on what."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    names = dict.fromkeys([*BASE, *map(_distribution, NAMES)])
    return ", ".join([f"{python} on {platform.system()}", *map(_version, names)])


def heading() -> str:
    """Return the head of the table."""
    return markdown.table(["what", "unit", *map(_title, NAMES), "target", "met"], [])


def line(row: Row) -> str:
    """Return one line of the table: each one's median, and its ratio to the floor."""
    cells = [row.title, row.unit, *(_cell(row, name) for name in NAMES)]
    cells.append("; ".join(target.text for target in row.targets))
    cells.append("" if not row.targets else "yes" if row.met else "**no**")
    return markdown.line(cells)


def write(rows: Sequence[Row], fields: Mapping[str, str], docs: Path) -> None:
    """Write the pages, whose templates take *fields*, and the plot into *docs*."""
    table = "\n".join([heading(), *map(line, rows)])
    for template in TEMPLATES:
        page = Template(template.read_text()).substitute(fields, table=table, versions=versions())
        (docs / template.stem).write_text(page)
    titles = {name: _title(name) for name in NAMES}
    (docs / "performance.svg").write_text(plot.draw(rows, titles))


def _title(name: str) -> str:
    try:
        return load(name).title
    except ImportError:
        return name


def _distribution(name: str) -> str:
    try:
        return load(name).distribution
    except ImportError:
        return name


def _version(distribution: str) -> str:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return f"{distribution} (missing)"


def _cell(row: Row, name: str) -> str:
    if name in row.samples.failed:
        return f"failed: {row.samples.failed[name]}"
    if name not in row.samples.values:
        return ""
    value = row.samples.median(name)
    text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
    if row.exact or name == "floor" or "floor" not in row.samples.values:
        return text
    return f"{text} ({row.samples.ratio(name, 'floor'):.2f})"
