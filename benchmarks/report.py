"""Tables in Markdown, and the pages of the docs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from .contenders import CONTENDERS

HEAD = ("", *(contender.title for contender in CONTENDERS.values()), "target")
#: What the contenders stand on.
BASE = ("Flask", "Werkzeug", "Flask-Session", "cachelib", "redis", "SQLAlchemy")
DOCS = Path(__file__).parent.parent / "docs"


def versions() -> str:
    """Return what is measured, on what, and how busy the machine is."""
    names = dict.fromkeys([*BASE, *(each.distribution for each in CONTENDERS.values())])
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    load = f"{os.cpu_count()} CPUs, load average {os.getloadavg()[0]:.1f} at the start"
    return f"CPython {platform.python_version()} on {platform.system()}, {load}. {packages}."


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    return "\n".join([line(head), f"|{'---|' * len(head)}", *map(line, lines)])


def line(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"|{'|'.join(cells)}|"


def write(blocks: Mapping[str, str]) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end -->` on the two pages."""
    for page in (DOCS / "performance.md", DOCS / "scale.md"):
        text = page.read_text()
        for name, block in blocks.items():
            start, _, rest = text.partition(f"<!-- {name} -->\n")
            _, end, after = rest.partition("\n<!-- end -->")
            text = f"{start}<!-- {name} -->\n\n{block}\n{end}{after}" if end else text
        page.write_text(text)
