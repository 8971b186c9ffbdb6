"""`python -m benchmarks`: measure everything, print it, and write the two pages of the docs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import click

from . import lab, limits, report, scale
from .lines import LINES

#: What the pages need beside the table.
FIELDS: dict[str, Callable[[lab.Lab], dict[str, str]]] = {
    "limits": limits.fields,
    "scale": scale.fields,
}
DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Run the benchmark. Return 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less exact; writes nothing")
    names = [*LINES, *FIELDS]
    parser.add_argument(
        "--only", metavar="NAME[,NAME]", help=f"of {', '.join(names)}; writes nothing"
    )
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else names
    if unknown := set(chosen) - set(names):
        parser.error(f"no such name: {', '.join(sorted(unknown))}")
    rows: list[lab.Row] = []
    fields: dict[str, str] = {}
    click.echo(f"{report.versions()}\n\n{report.heading()}")
    with lab.open_lab(quick=options.quick) as opened:
        for name in [name for name in LINES if name in chosen]:
            for row in LINES[name](opened):
                rows.append(row)
                click.echo(report.row_line(row))
        for name in [name for name in FIELDS if name in chosen]:
            measured = FIELDS[name](opened)
            fields |= measured
            click.echo("\n\n".join(["", *measured.values()]))
    if not options.quick and not options.only:
        report.write(rows, fields, DOCS)
    return 0 if all(row.met or not row.targets for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
