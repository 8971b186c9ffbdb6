"""The users and servers of the sandbox; their ids have the shape of Discord's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

#: AltDentifier's words for the trust factors 0 to 3.
TRUST = ("Very Distrusted", "Distrusted", "Trusted", "Very Trusted")


@dataclass(frozen=True)
class User:
    """A Discord user; `trust_factor` is what the API says of them, 0 to 3."""

    id: str
    name: str
    trust_factor: int

    @property
    def trust(self) -> str:
        """The trust factor in AltDentifier's words."""
        return TRUST[self.trust_factor]


@dataclass(frozen=True)
class Guild:
    """A Discord server."""

    id: str
    name: str


USERS = (
    User("100000000000000001", "ada", 3),
    User("200000000000000002", "grace", 2),
    User("1000000000000000003", "mallory", 0),
    User("1000000000000000004", "trent", 1),
)

GUILDS = (
    Guild("300000000000000001", "Chess Club"),
    Guild("400000000000000002", "Garden Neighbours"),
    Guild("1000000000000000005", "Study Hall"),
)


Someone = TypeVar("Someone", User, Guild)


def by_id(people: Iterable[Someone]) -> dict[str, Someone]:
    """Return users or servers by their ids, in their order."""
    return {someone.id: someone for someone in people}


def guild_of(guild_id: str) -> Guild | None:
    """Return the server with *guild_id*, made up where it is none of ours.

    None for what is no id: a Discord id is a decimal number of up to 20 digits.
    """
    if not re.fullmatch(r"[0-9]{1,20}", guild_id):
        return None
    return next((g for g in GUILDS if g.id == guild_id), Guild(guild_id, f"Server {guild_id}"))
