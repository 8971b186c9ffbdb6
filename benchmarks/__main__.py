"""`python -m benchmarks`: measures all, prints it, and writes the pages of docs that tell it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import click

from . import lab, report
from .lines import LINES
from .sections import SECTIONS

DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Run the benchmark. Returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less exact, in about a minute")
    every = [*LINES, *SECTIONS]
    parser.add_argument(
        "--only", metavar="NAME[,NAME]", default=",".join(every), help=f"of {', '.join(every)}"
    )
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(every):
        parser.error(f"no such name: {', '.join(sorted(unknown))}")
    rows, fields = [], {}
    click.echo(f"{report.versions()}\n\n{report.heading()}")
    with lab.opened(quick=options.quick) as opened:
        for name in [name for name in LINES if name in chosen]:
            for row in LINES[name](opened):
                rows.append(row)
                click.echo(report.line(row))
        for name in [name for name in SECTIONS if name in chosen]:
            for field, text in SECTIONS[name](opened).items():
                fields[field] = text
                click.echo(f"\n{field}: {text}")
    if not options.quick and set(chosen) == set(every):
        report.write(rows, fields, DOCS)
    missed = [row.title for row in rows if not row.met]
    for title in missed:
        click.echo(f"missed: {title}", err=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
