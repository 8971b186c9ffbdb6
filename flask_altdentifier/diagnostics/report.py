"""Prints findings as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Collection

import click

from .findings import Finding

_COLORS = {"error": "red", "warning": "yellow"}


def select(findings: list[Finding], ignored: Collection[str]) -> list[Finding]:
    """Return the findings without the *ignored* codes, errors first."""
    kept = [found for found in findings if found.code not in ignored]
    return sorted(kept, key=lambda found: found.level)


def print_json(findings: list[Finding]) -> None:
    """Print a list of objects."""
    click.echo(json.dumps([found.to_json() for found in findings], indent=2))


def print_text(findings: list[Finding], *, hidden: int, summary: str) -> None:
    """Print a block for each finding, then their number and *summary*.

    *hidden* is the number of findings that `--ignore` hides.
    """
    for found in findings:
        _print_block(found)
    click.secho(f"{_count(findings, hidden)} {summary}".rstrip(), bold=True)


def exit_code(findings: list[Finding], fail_level: str) -> int:
    """Return 1 if a finding has *fail_level* or a more severe level, else 0."""
    levels = {"error"} if fail_level == "error" else {"error", "warning"}
    return int(any(found.level in levels for found in findings))


def _print_block(found: Finding) -> None:
    level = click.style(found.level, fg=_COLORS[found.level], bold=True)
    click.echo(f"{level} {found.code}")
    click.echo(f"  {found.title}")
    click.echo(f"  Why:  {found.why}")
    click.echo(f"  Fix:  {click.style(found.fix, fg='cyan')}")
    click.echo(f"  Docs: {found.docs}\n")


def _count(findings: list[Finding], hidden: int) -> str:
    counts = {level: sum(found.level == level for found in findings) for level in _COLORS}
    parts = [f"{n} {level}{'' if n == 1 else 's'}" for level, n in counts.items() if n]
    none = "No other problems" if hidden else "No problems"
    return f"{' and '.join(parts) or none} found."
