"""Discord IDs of accounts and servers (guilds)."""

from __future__ import annotations

import re


def validate_discord_id(number: str | int) -> str:
    """Return a Discord ID as text. Raises `ValueError` unless it has 1 to 20 digits."""
    text = str(number)
    if isinstance(number, bool) or not re.fullmatch(r"[0-9]{1,20}", text):
        raise ValueError("a Discord ID is a number of 1 to 20 digits")
    return text
