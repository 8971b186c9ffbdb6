"""`python -m benchmarks`: measures all, prints the table, and writes `docs/performance.md`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import click

from . import lab, report
from .lines import LINES

DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Run the benchmark. Returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less exact, in less than a minute")
    parser.add_argument(
        "--only", metavar="LINE[,LINE]", default=",".join(LINES), help=f"of {', '.join(LINES)}"
    )
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - LINES.keys():
        parser.error(f"no such line: {', '.join(sorted(unknown))}")
    rows = []
    click.echo(f"{report.versions()}\n\n{report.heading()}")
    with lab.opened(quick=options.quick) as opened:
        for name in chosen:
            for row in LINES[name](opened):
                rows.append(row)
                click.echo(report.line(row))
    if not options.quick and len(chosen) == len(LINES):
        report.write(rows, DOCS)
    missed = [row.title for row in rows if not row.met]
    for title in missed:
        click.echo(f"missed: {title}", err=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
