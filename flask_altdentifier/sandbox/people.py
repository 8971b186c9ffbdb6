"""The users and servers of the sandbox; their ids have the shape of Discord's."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """A Discord user."""

    id: str
    name: str


@dataclass(frozen=True)
class Guild:
    """A Discord server."""

    id: str
    name: str


USERS = (
    User("100000000000000001", "ada"),
    User("200000000000000002", "grace"),
    User("1000000000000000003", "mallory"),
)

GUILDS = (
    Guild("300000000000000001", "Chess Club"),
    Guild("400000000000000002", "Garden Neighbours"),
    Guild("1000000000000000005", "Study Hall"),
)


def guild_of(guild_id: str) -> Guild | None:
    """Return the server with *guild_id*, made up where it is none of ours.

    None for what is no id: a Discord id is a decimal number of up to 20 digits.
    """
    if not re.fullmatch(r"[0-9]{1,20}", guild_id):
        return None
    return next((g for g in GUILDS if g.id == guild_id), Guild(guild_id, f"Server {guild_id}"))
