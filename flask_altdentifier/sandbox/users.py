"""The made-up users and servers, with IDs in the format of Discord."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

#: AltDentifier's texts for the trust factors 0 to 3.
TRUST_TEXTS = ("Very Distrusted", "Distrusted", "Trusted", "Very Trusted")


@dataclass(frozen=True)
class User:
    """A Discord user with a trust factor from 0 to 3."""

    id: str
    name: str
    trust_factor: int

    @property
    def trust_text(self) -> str:
        """The trust factor as AltDentifier words it."""
        return TRUST_TEXTS[self.trust_factor]


@dataclass(frozen=True)
class Guild:
    """A Discord server."""

    id: str
    name: str


USERS = (
    User("100000000000000001", "ada", 3),
    User("200000000000000002", "grace", 2),
    User("1000000000000000004", "trent", 1),
    User("1000000000000000003", "mallory", 0),
)

GUILDS = (
    Guild("300000000000000001", "Chess Club"),
    Guild("400000000000000002", "Garden Neighbors"),
    Guild("1000000000000000005", "Study Hall"),
)

UserOrGuild = TypeVar("UserOrGuild", User, Guild)


def by_id(items: Iterable[UserOrGuild]) -> dict[str, UserOrGuild]:
    """Return users or servers by their IDs, in their order."""
    return {item.id: item for item in items}


def get_guild(guild_id: str) -> Guild:
    """Return the server with this ID. A server with an unknown ID gets a made-up name.

    Raises `ValueError` if *guild_id* is not a decimal number of at most 20 digits.
    """
    if not re.fullmatch(r"[0-9]{1,20}", guild_id):
        raise ValueError("guild_id is not a Discord ID")
    return by_id(GUILDS).get(guild_id) or Guild(guild_id, f"Server {guild_id}")
