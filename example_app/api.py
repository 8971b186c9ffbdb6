"""The JSON endpoints, for the scripts of the pages and for other programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint

from flask_altdentifier import current_grant, requires_scope

from . import events as kept

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.get("/grant")
@requires_scope("read:user")
def grant() -> dict[str, Any]:
    """Tell what was granted and until when; 401 where nobody is logged in. Never the tokens."""
    return {
        "scope": sorted(current_grant.scope),
        "expires_at": current_grant.expires_at.isoformat(timespec="seconds"),
    }


@blueprint.get("/servers")
@requires_scope("write:integrations")
def servers() -> dict[str, Any]:
    """Tell that Gatehouse may be added to servers; 403 where that was not granted."""
    return {"may_be_added_to_servers": True}


@blueprint.get("/events")
@requires_scope("read:user")
def events() -> dict[str, Any]:
    """Tell the latest events of the webhook, the latest first."""
    lines = kept.latest()
    return {
        "events": [{**asdict(line), "received_at": line.received_at.isoformat()} for line in lines]
    }
