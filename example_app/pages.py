"""The pages."""

from __future__ import annotations

from datetime import datetime, timezone

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from flask_altdentifier import (
    READ_USER,
    WRITE_INTEGRATIONS,
    api,
    integration_url,
    requires_scope,
)
from flask_altdentifier.errors import ProviderError, ProviderTimeout, ProviderUnavailable

from . import events as kept

blueprint = Blueprint("pages", __name__)

#: What each scope lets Gatehouse do, in words.
MEANINGS = {
    READ_USER: "Read your AltDentifier account",
    WRITE_INTEGRATIONS: "Be added to Discord servers of yours",
}


@blueprint.get("/")
def home() -> str:
    """Anyone may see this page; the template asks `current_grant` who is there."""
    return render_template("home.html", meanings=MEANINGS)


@blueprint.get("/profile")
@requires_scope("read:user")
def profile() -> str:
    """Who is not logged in is sent to AltDentifier, and comes back here."""
    return render_template("profile.html", meanings=MEANINGS)


@blueprint.get("/servers")
@requires_scope("write:integrations")
def servers() -> ResponseReturnValue:
    """Who has not been asked for this scope yet is asked for it now (step-up)."""
    guild_id = request.args.get("guild_id", "").strip()
    try:
        link = integration_url(guild_id) if guild_id else None
    except ValueError:
        return render_template("servers.html", guild_id=guild_id, invalid=True), 400
    return render_template("servers.html", guild_id=guild_id, link=link)


@blueprint.get("/events")
@requires_scope("read:user")
def events() -> str:
    """What the webhook was told; a script keeps the page up to date."""
    return render_template("events.html", lines=kept.latest())


@blueprint.get("/trust")
@requires_scope("read:user")
def trust() -> ResponseReturnValue:
    """Look a Discord account up. A failure that passes is told beside the form, to try again."""
    user_id = request.args.get("user_id", "").strip()
    if not user_id:
        return render_template("trust.html")
    try:
        factor = api.trust_factor(user_id)
    except ValueError:
        return render_template("trust.html", user_id=user_id, invalid=True), 400
    except ProviderUnavailable as error:
        headers = {} if error.retry_after is None else {"Retry-After": error.retry_after}
        return render_template("trust.html", user_id=user_id, error=error), error.code, headers
    except (ProviderError, ProviderTimeout) as error:
        return render_template("trust.html", user_id=user_id, error=error), error.code
    if factor is None:
        return render_template("trust.html", user_id=user_id, unknown=True), 404
    return render_template("trust.html", user_id=user_id, factor=factor)


def not_found(_: NotFound) -> tuple[str, int]:
    """Show the page for an address that does not exist."""
    return render_template("not_found.html"), 404


@blueprint.app_template_filter()
def day_and_time(moment: datetime) -> str:
    """Return a UTC time as people write it: `1 December 2026, 14:05 UTC`."""
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


@blueprint.app_template_filter()
def time_left(moment: datetime) -> str:
    """Return how far off a time is, in its largest unit: `7 days`."""
    minutes = round((moment - datetime.now(timezone.utc)).total_seconds() / 60)
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = round(minutes / size)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "less than a minute"
