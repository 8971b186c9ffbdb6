"""The page that sends events to an application."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, redirect, request, url_for
from werkzeug.exceptions import BadRequest

from ..scopes import WRITE_INTEGRATIONS
from .delivery import get_last_signed, make_delivery, post_event
from .events import ACTIONS, EVENT_KINDS, METHODS, EventDetails
from .forms import get_choice, get_client, refuse_cross_origin
from .pages import render_page
from .state import sandbox_state
from .uris import is_webhook_url
from .users import USERS, by_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from .users import Guild

blueprint: Blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.get("")
def show() -> Response:
    """Show the webhook, the events to send, and the results. Only a made-up secret is shown."""
    state, client = sandbox_state(current_app), get_client()
    guilds = state.get_guilds(client.client_id)
    deliveries = state.get_deliveries(client.client_id)
    return render_page(
        "webhooks.html",
        client=client,
        webhook=state.webhooks[client.client_id],
        guilds=guilds,
        users=USERS,
        kinds=EVENT_KINDS,
        methods=METHODS,
        actions=ACTIONS,
        details=_get_details(request.args, guilds) if guilds else None,
        deliveries=deliveries,
        can_replay=get_last_signed(deliveries) is not None,
        integration_scope=WRITE_INTEGRATIONS,
    )


@blueprint.post("/settings")
def save_settings() -> ResponseReturnValue:
    """Set the webhook URL."""
    refuse_cross_origin()
    state, client = sandbox_state(current_app), get_client()
    url = request.form.get("url", "").strip()
    if not is_webhook_url(url):
        raise BadRequest(
            "Events are sent to this machine only. Enter an http or https URL on localhost, "
            "127.0.0.1 or [::1], without a fragment."
        )
    state.webhooks[client.client_id] = replace(state.webhooks[client.client_id], url=url)
    return redirect(url_for(".show", client_id=client.client_id), 303)


@blueprint.post("/send")
def send() -> ResponseReturnValue:
    """Send the event of the clicked button, and record the result."""
    refuse_cross_origin()
    state, client = sandbox_state(current_app), get_client()
    webhook, guilds = state.webhooks[client.client_id], state.get_guilds(client.client_id)
    if not webhook.url or not guilds:
        raise BadRequest("Save the webhook URL and add the application to a server first.")
    details = _get_details(request.form, guilds)
    previous = state.get_deliveries(client.client_id)
    button = request.form.get("send", "")
    delivery = make_delivery(button, details, client.client_id, webhook.secret, previous)
    result = post_event(webhook.url, delivery.body, delivery.digest)
    state.add_delivery(replace(delivery, result=result))
    page = url_for(
        ".show",
        client_id=client.client_id,
        guild=details.guild.id,
        user=details.member.id,
        method=details.method,
        action=details.action,
        _anchor="sent",
    )
    return redirect(page, 303)


def _get_details(form: Mapping[str, str], guilds: tuple[Guild, ...]) -> EventDetails:
    return EventDetails(
        guild=get_choice(form, "guild", by_id(guilds)),
        member=get_choice(form, "user", by_id(USERS)),
        method=get_choice(form, "method", {method: method for method in METHODS}),
        action=get_choice(form, "action", {action: action for action in ACTIONS}),
    )
