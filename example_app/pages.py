"""The pages: one view per page, and the filters of the templates."""

from __future__ import annotations

from datetime import datetime, timezone

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from flask_altdentifier import READ_USER, WRITE_INTEGRATIONS, api, requires_scope, webhooks
from flask_altdentifier.errors import ProviderError, ProviderTimeout, ProviderUnavailable

from . import members

blueprint = Blueprint("pages", __name__)

#: Descriptions of the scopes.
MEANINGS = {
    READ_USER: "Read your AltDentifier account",
    WRITE_INTEGRATIONS: "Be added to one of your servers",
}
#: Descriptions of the verification methods.
METHODS = {
    "steam": "Steam",
    "reddit": "Reddit",
    "twitter": "Twitter",
    "overwatch": "Overwatch",
    "captcha": "Captcha",
    "xbox": "Xbox",
    "youtube": "YouTube",
    "bypass": "A moderator",
}


@blueprint.get("/")
def home() -> str:
    """Show the start page to everybody. Its template reads `current_grant`."""
    return render_template("home.html", meanings=MEANINGS)


@blueprint.get("/servers")
@requires_scope("write:integrations")
def servers() -> str:
    """Request one more scope than the login, when a visitor first opens this page (step-up)."""
    return render_template("servers.html")


@blueprint.get("/members")
@requires_scope("read:user")
def list_members() -> str:
    """Require a login. AltDentifier redirects visitors back to this page."""
    return render_template(
        "members.html",
        members=members.latest(),
        methods=METHODS,
        receives_events=webhooks.blueprint.name in current_app.blueprints,
    )


@blueprint.post("/members/<member_id>/forget")
@requires_scope("read:user")
def forget_member(member_id: str) -> ResponseReturnValue:
    """Delete a member. Other sites cannot post this form, because the cookie is `SameSite=Lax`."""
    members.forget(member_id)
    flash("Forgotten. Nothing about this member is kept.")
    return redirect(url_for(".list_members"), 303)


@blueprint.get("/trust")
@requires_scope("read:user")
def trust() -> ResponseReturnValue:
    """Look up a Discord account. The form shows a temporary failure, and the visitor can retry."""
    user_id = request.args.get("user_id", "").strip()
    if not user_id:
        return render_template("trust.html")
    try:
        factor = api.trust_factor(user_id)
    except ValueError:
        return render_template("trust.html", user_id=user_id, invalid=True), 400
    except (ProviderError, ProviderTimeout, ProviderUnavailable) as error:
        page = render_template("trust.html", user_id=user_id, error=error)
        return page, error.code, error.extra_headers()
    page = render_template("trust.html", user_id=user_id, factor=factor)
    return page, 404 if factor is None else 200


@blueprint.app_errorhandler(404)
def not_found(_: NotFound) -> tuple[str, int]:
    """Show the page for an address that does not exist."""
    return render_template("not_found.html"), 404


@blueprint.app_template_filter()
def day_and_time(moment: datetime) -> str:
    """Return a UTC time as text: `December 1, 2026, 14:05 UTC`."""
    return f"{moment:%B} {moment.day}, {moment:%Y, %H:%M} UTC"


@blueprint.app_template_filter()
def time_left(moment: datetime) -> str:
    """Return the time until *moment* in its largest unit: `7 days`."""
    minutes = round((moment - datetime.now(timezone.utc)).total_seconds() / 60)
    for size, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = round(minutes / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
