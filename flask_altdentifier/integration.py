"""Adding the application to a Discord server (a guild)."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from .scopes import WRITE_INTEGRATIONS
from .state import get_state


def integration_url(guild_id: str | int | None = None) -> str:
    """Return the link by which a server owner adds this application to a Discord server.

    It is AltDentifier's simplified link: it does not come back to the app, and there is no grant.
    In templates it is `altdentifier_integration_url`.

    Args:
        guild_id: Discord ID of the server, if it is known.

    Raises `ValueError` if *guild_id* is not a Discord ID.

    Example::

        integration_url(81384788765712384)
    """
    config = get_state().config
    query = {"client_id": config.client_id, "scope": WRITE_INTEGRATIONS}
    if guild_id is not None:
        query["guild_id"] = snowflake(guild_id)
    return f"{config.base_url}/oauth2/authorize?{urlencode(query, safe=':')}"


def snowflake(number: str | int) -> str:
    """Return a Discord ID as text. Raises `ValueError` unless it is 1 to 20 digits."""
    text = str(number)
    if isinstance(number, bool) or not re.fullmatch(r"[0-9]{1,20}", text):
        raise ValueError("a Discord ID is a number of 1 to 20 digits")
    return text
