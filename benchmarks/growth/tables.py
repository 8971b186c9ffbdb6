"""The tables of what was measured."""

from __future__ import annotations

from ..markdown import table
from .measured import Growth

#: By kind: what it is called, what it is kept for, and how long it lives.
KEYS = {
    "grant": (
        "`altdentifier:<app>:grant:<hash of the login id>`",
        "browser that is logged in",
        "{:,}, as long as its token",
    ),
    "login": (
        "`altdentifier:<app>:login:<state>`",
        "login begun; gone at its callback",
        "{:,}, `ALTDENTIFIER_LOGIN_LIFETIME`",
    ),
    "session": (
        "`session:<id>`, Flask-Session's",
        "browser that has begun a login; gone at its callback where the app keeps nothing in it",
        "`PERMANENT_SESSION_LIFETIME`",
    ),
}


def traffic(growth: Growth) -> str:
    """What one request asks of Redis."""
    head = ["request", "commands to Redis", "of them", "bytes to Redis", "bytes from Redis"]
    lines = [
        [
            each.title,
            f"{each.total:g}",
            ", ".join(f"{number:g} {name}" for name, number in each.commands.items()),
            f"{each.sent:,.0f}",
            f"{each.received:,.0f}",
        ]
        for each in growth.traffic.values()
    ]
    return table(head, lines)


def rooms(growth: Growth) -> str:
    """What many people take up on Redis."""
    head = ["how many", "bytes for each who is logged in", "bytes for each who has begun a login"]
    lines = [
        [f"{room.count:,}", f"{room.logged_in:.0f}", f"{room.pending:.0f}"] for room in growth.rooms
    ]
    return table(head, lines)


def connections(growth: Growth) -> str:
    """What the logins of one worker open."""
    head = ["threads", "logins", "connections opened"]
    lines = [[str(each.threads), str(each.logins), str(each.opened)] for each in growth.connections]
    return table(head, lines)


def capacity(growth: Growth) -> str:
    """What a second of CPU is enough for."""
    head = ["a second of CPU", "is enough for"]
    lines = [
        ["redis-server, reading grants", f"{growth.capacity.reads:,.0f} commands"],
        ["redis-server, writing grants", f"{growth.capacity.writes:,.0f} commands"],
        ["a gunicorn worker", f"{growth.capacity.requests:,.0f} protected views"],
    ]
    return table(head, lines)


def records(growth: Growth) -> str:
    """The keys."""
    head = ["key", "one for each", "lives (seconds)", "value (bytes)", "memory, all in all (bytes)"]
    lines = []
    for kind, (key, whose, life) in KEYS.items():
        record = growth.records[kind]
        cells = [f"{record.value:,}", f"{growth.room(kind):,.0f}"]
        lines.append([key, whose, life.format(record.lifetime), *cells])
    return table(head, lines)
