"""The user's decision on the authorize page and on the page of the integration link."""

from __future__ import annotations

from flask import request

from ..scopes import WRITE_INTEGRATIONS
from .forms import get_choice, refuse_cross_origin
from .records import Consent
from .users import GUILDS, USERS, Guild, by_id, get_guild


def get_offered_guilds() -> tuple[Guild, ...]:
    """Return the servers to choose from: only one if the link has a guild_id.

    Raises `ValueError` if guild_id is not a Discord ID.
    """
    guild_id = request.args.get("guild_id")
    return (get_guild(guild_id),) if guild_id else GUILDS


def read_consent(granted: list[str], guilds: tuple[Guild, ...]) -> Consent | None:
    """Return the consent to the scopes *granted*, or None if the user did not allow them.

    Raises `BadRequest` if the page cannot have sent this form, and `Forbidden` if a page of another
    site sent it.
    """
    refuse_cross_origin()
    if request.form.get("decision") != "allow":
        return None
    guild = None
    if WRITE_INTEGRATIONS in granted:
        guild = get_choice(request.form, "guild", by_id(guilds))
    return Consent(get_choice(request.form, "user", by_id(USERS)), " ".join(granted), guild)
