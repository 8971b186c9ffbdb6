"""The section `Where the time goes` of the page."""

from __future__ import annotations

from collections.abc import Sequence

from ..lab import Lab
from ..markdown import table
from .account import PARTS, Account, Cost, account_for
from .journeys import all_of


def fields(lab: Lab) -> dict[str, str]:
    """Measure, and return the field of the page's template."""
    accounts, parts = [], []
    for journey in all_of(lab):
        try:
            accounts.append(account_for(journey, lab.amount(15, 3)))
        except RuntimeError as problem:
            parts.append(f"{journey.title}: failed, {problem}.")
        else:
            parts.append(_parts(accounts[-1]))
    return {"profile": "\n\n".join([_owners(accounts), *parts])}


def _owners(accounts: Sequence[Account]) -> str:
    """Return whose time it is, in each journey."""
    head = ["µs CPU", *(account.journey.title for account in accounts)]
    owners = dict.fromkeys(part.owner for part in PARTS)
    lines = [[owner, *(_number(account.of(owner)) for account in accounts)] for owner in owners]
    lines += [
        ["all parts", *(_number(account.explained) for account in accounts)],
        ["measured without instruments", *(_number(account.whole) for account in accounts)],
        ["not explained", *map(_remainder, accounts)],
    ]
    return table(head, lines)


def _remainder(account: Account) -> str:
    left = account.whole - account.explained
    return f"{left:+.1f} ({left / account.whole:+.1%})"


def _parts(account: Account) -> str:
    """Return the parts of one journey, the dearest first."""
    head = ["part", "whose", "calls", "µs CPU", "limit", "what the limit is"]
    costs = sorted(account.costs, key=lambda cost: -cost.spent)
    return f"### {account.journey.title}\n\n{table(head, map(_cost, costs))}"


def _cost(cost: Cost) -> list[str]:
    part = cost.part
    cells = [part.title, part.owner, f"{cost.calls:g}", _number(cost.spent)]
    if part.limit is None or cost.limit is None:
        return [*cells, "", ""]
    return [*cells, _number(cost.limit), part.limit.what]


def _number(microseconds: float) -> str:
    return f"{microseconds:.1f}" if microseconds else ""
