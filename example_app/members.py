"""The members that AltDentifier has verified, in a table that the webhook fills.

Everybody who is logged in sees all members of all servers, which is enough for an example. A real
app must ask Discord who owns a server, because AltDentifier does not provide that.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from flask import Flask, current_app

from flask_altdentifier import webhooks

#: Most rows that the page shows.
SHOWN = 100
#: Most characters of a name that are kept.
MAX_NAME = 100

_SCHEMA = """
CREATE TABLE IF NOT EXISTS members (
    verified_at TEXT, member_id TEXT, guild_id TEXT, member TEXT, guild TEXT, method TEXT,
    PRIMARY KEY (member_id, guild_id)
) WITHOUT ROWID
"""
_UPSERT = """
INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (member_id, guild_id)
DO UPDATE SET member = excluded.member, guild = excluded.guild, method = excluded.method
"""
_SELECT = "SELECT * FROM members ORDER BY verified_at DESC, member_id LIMIT ?"


@dataclass(frozen=True)
class VerifiedMember:
    """A member of one server (guild)."""

    #: Time of the first event about this member.
    verified_at: datetime
    member_id: str
    guild_id: str
    member: str
    guild: str
    method: str


def install(app: Flask) -> None:
    """Add the webhook to *app* if it has a secret to verify events with."""
    if app.config.get("ALTDENTIFIER_WEBHOOK_SECRET") is not None:
        app.register_blueprint(webhooks.blueprint)
        webhooks.on(app, webhooks.Op.PASSED)(add)


def add(event: webhooks.Event) -> None:
    """Add the member of *event* to the table, or update its names.

    Events have neither a time nor an ID. If one arrives again, the time in the table does not
    change.
    """
    member, guild = event.member, event.guild
    if member is None or guild is None or not (_is_id(member.id) and _is_id(guild.id)):
        return
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    names = (member.username or member.name, guild.name, event.method)
    with _transaction() as database:
        database.execute(_UPSERT, (now, member.id, guild.id, *map(_clean, names)))


def latest() -> list[VerifiedMember]:
    """Return the latest verified members, the newest first."""
    with _transaction() as database:
        rows = database.execute(_SELECT, (SHOWN,)).fetchall()
    return [VerifiedMember(datetime.fromisoformat(time), *texts) for time, *texts in rows]


def forget(member_id: str) -> None:
    """Delete everything about a member, on every server."""
    with _transaction() as database:
        database.execute("DELETE FROM members WHERE member_id = ?", (member_id,))


def _is_id(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"[0-9]{1,20}", text) is not None


def _clean(text: str | None) -> str:
    """Return *text* as one short line, because users choose their names and could break a page."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text or "")
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 1]}…"


@contextmanager
def _transaction() -> Iterator[sqlite3.Connection]:
    path = Path(current_app.instance_path, "members.sqlite3")
    path.touch(mode=0o600)  # SQLite would create a file that others on this machine can read
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(_SCHEMA)
        database.execute("PRAGMA secure_delete = on")  # overwrites deleted rows in the file
        yield database
