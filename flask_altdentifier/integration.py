"""Adding the application to a Discord server (guild)."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from .installed import installed
from .scopes import WRITE_INTEGRATIONS


def integration_url(guild_id: str | int | None = None) -> str:
    """Return the link by which a server owner adds this application to a server.

    The provider's simplified link: the user comes back to no page of the app, and no grant comes
    of it. *guild_id* is the server's snowflake, if it is known. In templates it is
    `altdentifier_integration_url`. Raises `ValueError` for a *guild_id* that is no snowflake.
    """
    settings = installed().settings
    query = {"client_id": settings.client_id, "scope": WRITE_INTEGRATIONS}
    if guild_id is not None:
        query["guild_id"] = snowflake(guild_id)
    return f"{settings.base_url}/oauth2/authorize?{urlencode(query, safe=':')}"


def snowflake(number: str | int) -> str:
    """Return a Discord id as text. Raises `ValueError` for what is not 1 to 20 digits."""
    text = str(number)
    if isinstance(number, bool) or not re.fullmatch(r"[0-9]{1,20}", text):
        raise ValueError("a Discord id is a snowflake: 1 to 20 digits")
    return text
