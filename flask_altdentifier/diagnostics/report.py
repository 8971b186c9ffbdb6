"""Prints findings as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Collection

import click

from .findings import Finding

_COLORS = {"error": "red", "warning": "yellow"}


def print_findings(
    findings: list[Finding], *, as_json: bool, summary: str, is_complete: bool
) -> None:
    """Print a block for each finding, the count and a *summary*, or a JSON list.

    If the run is not complete, "No problems found" would be wrong even without findings.
    """
    is_hidden = not findings and not is_complete
    if is_hidden:
        summary += " --ignore hides why the others failed."
    if as_json:
        click.echo(json.dumps([found.to_json() for found in findings], indent=2))
        if is_hidden:
            click.echo(summary, err=True)
        return
    for found in findings:
        _print_block(found)
    click.secho(summary if is_hidden else f"{_count(findings)} {summary}".rstrip(), bold=True)


def select(findings: list[Finding], ignored: Collection[str]) -> list[Finding]:
    """Return the findings without the *ignored* codes, errors first."""
    kept = [found for found in findings if found.code not in ignored]
    return sorted(kept, key=lambda found: found.level)


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


def _count(findings: list[Finding]) -> str:
    counts = {level: sum(f.level == level for f in findings) for level in _COLORS}
    parts = [f"{n} {level}{'' if n == 1 else 's'}" for level, n in counts.items() if n]
    return f"{' and '.join(parts) or 'No problems'} found."
