"""What the pages tell of growth: tables, and figures in the text."""

from __future__ import annotations

from collections.abc import Sequence

from ..lab import Lab
from ..markdown import table
from . import plan, tables
from .measured import Growth, measure
from .plan import Plan
from .traffic import CALLBACK, LOGIN

#: Visits to `/login` a second, by who never comes back.
FLOOD = 1000


def fields(lab: Lab) -> dict[str, str]:
    """Measure, and return the fields of the pages' templates."""
    growth = measure(lab)
    plans = [Plan(users, growth) for users in plan.USERS]
    return {
        "traffic": tables.traffic(growth),
        "rooms": tables.rooms(growth),
        "connections": tables.connections(growth),
        "capacity": tables.capacity(growth),
        "records": tables.records(growth),
        "plans": _plans(plans),
        **_measured(growth),
        **_assumed(),
    }


_PLAN = (
    "logged-in users",
    "logins a second",
    "protected requests a second",
    "commands a second",
    "Redis memory",
    "Redis",
    "workers",
    "connections to each Redis",
)


def _plans(plans: Sequence[Plan]) -> str:
    lines = [
        [
            f"{each.users:,}",
            short(each.logins),
            short(each.requests),
            short(each.commands),
            size(each.memory),
            each.redis,
            f"{each.workers:,}",
            f"{each.connections:,}",
        ]
        for each in plans
    ]
    return table(_PLAN, lines)


def _measured(growth: Growth) -> dict[str, str]:
    """Return the figures that stand in the text."""
    each_visit = growth.room("session") * plan.SESSION_LIFETIME
    each_visit += growth.room("login") * growth.records["login"].lifetime
    asked = growth.traffic[LOGIN].total + growth.traffic[CALLBACK].total
    return {
        "login_commands": f"{asked:g}",
        "sustained": short(growth.capacity.reads),
        "flood": size(FLOOD * each_visit),
        "flood_visits": f"{FLOOD:,}",
    }


def _assumed() -> dict[str, str]:
    """Return the assumptions of the plans."""
    return {
        "active": f"{plan.ACTIVE:.0%}",
        "visits": str(plan.VISITS),
        "peak": str(plan.PEAK),
        "finished": f"{plan.FINISHED:.0%}",
        "session_hours": f"{plan.SESSION_LIFETIME / 3600:g}",
        "node": size(plan.NODE),
        "load": f"{plan.LOAD:.0%}",
        "threads": str(plan.THREADS),
    }


def short(number: float) -> str:
    """Return a number with two digits that count."""
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def size(number: float) -> str:
    """Return a number of bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if number >= factor:
            return f"{short(number / factor)} {unit}"
    return f"{number:,.0f} bytes"
