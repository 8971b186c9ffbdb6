"""`python -m benchmarks`: measure everything, print it, and write the two pages of the docs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

import click

from . import lab, limits, report, scale
from .lines import growth, logins, sizes, views
from .rows import Row

#: Lines of the table, some of which come together.
LINES: dict[str, Callable[[lab.Lab], list[Row]]] = {
    "protected": views.protected,
    "protected-redis": views.protected_redis,
    "redis-commands": views.redis_commands,
    "postgres": views.postgres,
    "public": views.public,
    "login": logins.login,
    "callback": logins.callback,
    "callback-50ms": logins.callback_far_away,
    "connections": logins.connections,
    "import": sizes.imports,
    "bytes": sizes.footprint,
    "growth": growth.logins,
    "flood": growth.flood,
}
#: What the pages need beside the table.
FIELDS = {"limits": limits.fields, "scale": scale.fields}


def main() -> int:
    """Run the benchmark. Return 1 if a target is missed."""
    names = [*LINES, *FIELDS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less exact; writes nothing")
    parser.add_argument("--only", metavar="NAME[,NAME]", help=f"of {', '.join(names)}")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else names
    if unknown := set(chosen) - set(names):
        parser.error(f"no such name: {', '.join(sorted(unknown))}")
    fields = {"versions": report.versions()}
    click.echo(f"{fields['versions']}\n\n{report.table(report.HEAD, [])}")
    with lab.open_lab(quick=options.quick) as opened:
        rows = list(_measure(opened, [name for name in LINES if name in chosen]))
        for name in [name for name in FIELDS if name in chosen]:
            measured = FIELDS[name](opened)
            click.echo("\n\n".join(["", *measured.values()]))
            fields |= measured
    fields["table"] = report.table(report.HEAD, [row.cells() for row in rows])
    if not options.quick and not options.only:
        report.write(fields)
    return 0 if all(row.met for row in rows) else 1


def _measure(opened: lab.Lab, names: list[str]) -> Iterator[Row]:
    for name in names:
        for row in LINES[name](opened):
            click.echo(report.line(row.cells()))
            yield row


if __name__ == "__main__":
    sys.exit(main())
