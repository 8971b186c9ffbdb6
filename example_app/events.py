"""The webhook's events: told once, the latest fifty, where every worker of this machine sees them.

Everybody who is logged in sees them all, which does for an example. AltDentifier has no way to
ask whose servers are whose; an app for many servers has to know that itself.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from flask import Flask, current_app, request

from flask_altdentifier import webhooks
from flask_altdentifier.webhooks import Event, Member, Op

from .storage import private

#: Events that are kept.
LATEST = 50

#: Characters of a text that are kept.
MAX_TEXT = 100

TITLES = {
    Op.STARTED: "Verification started",
    Op.PASSED: "Verification passed",
    Op.FAILED: "Verification failed",
    Op.IGNORED: "Verification ignored",
    Op.INCORRECT_ACCOUNT: "Wrong account",
    Op.TEST: "Test event",
}


@dataclass(frozen=True)
class Line:
    """An event as the page shows it: texts that are short and printable, a time in UTC."""

    received_at: datetime
    title: str
    member: str
    server: str
    details: str


def install(app: Flask) -> None:
    """Add the webhook to *app*, where it has a secret, and keep what comes."""
    if app.config.get("ALTDENTIFIER_WEBHOOK_SECRET") is None:
        return
    app.register_blueprint(webhooks.blueprint)
    webhooks.on(app)(keep)


def keep(event: Event) -> None:
    """Keep an event, unless it is kept already.

    Events have no number. The same body means the same event, sent again by AltDentifier or
    replayed by somebody.
    """
    line = line_of(event)
    key = hashlib.sha256(request.get_data()).digest()
    told = (line.title, line.member, line.server, line.details)
    with _database() as database:
        database.execute(
            "INSERT OR IGNORE INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (key, line.received_at.isoformat(), *told),
        )
        database.execute(
            "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (LATEST,)
        )


def latest() -> list[Line]:
    """Return the events that are kept, the latest first."""
    with _database() as database:
        rows = database.execute(
            "SELECT received_at, title, member, server, details FROM events ORDER BY id DESC"
        )
        return [Line(datetime.fromisoformat(received_at), *told) for received_at, *told in rows]


def line_of(event: Event) -> Line:
    """Return *event* as the page shows it, received now."""
    details = {
        "method": event.method,
        "reason": event.reason,
        "action": event.action,
        "role": event.timeout_role,
        "came as": event.incorrect_account and _name(event.incorrect_account),
    }
    told = (f"{name}: {value}" for name, value in details.items() if value is not None)
    return Line(
        received_at=datetime.now(timezone.utc).replace(microsecond=0),
        title=_title(event.op),
        member=_clean(_name(event.member) if event.member else ""),
        server=_clean((event.guild and (event.guild.name or event.guild.id)) or ""),
        details=_clean(", ".join(told)),
    )


def _title(op: Op | None) -> str:
    if op is None:
        return "Event without a kind"
    return TITLES[op] if op in TITLES else _clean(f"Event of the unknown kind {op:d}")


def _name(member: Member) -> str:
    name = member.username or member.name or "somebody"
    return f"{name} ({member.id})" if member.id else name


def _clean(text: str) -> str:
    """Return *text* short, and without what could break a page: senders choose it."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:MAX_TEXT])
    return f"{shown}…" if len(text) > MAX_TEXT else shown


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """Open the database for one transaction."""
    path = private(Path(current_app.config["DATA_DIR"]) / "events") / "events.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS events ("
            "id INTEGER PRIMARY KEY, body_hash BLOB UNIQUE, "
            "received_at TEXT, title TEXT, member TEXT, server TEXT, details TEXT)"
        )
        yield database
