"""The link that adds the application to a Discord server (a guild)."""

from __future__ import annotations

from urllib.parse import urlencode

from .discord_id import validate_discord_id
from .scopes import WRITE_INTEGRATIONS
from .state import get_state


def integration_url(guild_id: str | int | None = None) -> str:
    """Return the link by which a server owner adds this application to a Discord server.

    AltDentifier does not redirect back to the app afterward, and the app gets no grant. Templates
    can call this function as `altdentifier_integration_url`.

    Args:
        guild_id: Discord ID of the server. None lets the owner choose the server.

    Returns:
        The URL of AltDentifier's page.

    Raises:
        ValueError: *guild_id* is not a Discord ID.
        ConfigError: The blueprint is not registered in the app.

    Example::

        integration_url(81384788765712384)
    """
    config = get_state().config
    query = {"client_id": config.client_id, "scope": WRITE_INTEGRATIONS}
    if guild_id is not None:
        query["guild_id"] = validate_discord_id(guild_id)
    return f"{config.base_url}/oauth2/authorize?{urlencode(query, safe=':')}"
