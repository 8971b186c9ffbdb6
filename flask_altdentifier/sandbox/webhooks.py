"""The page from which events are sent to an application, each by a button."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, request, url_for
from werkzeug.exceptions import BadRequest, NotFound

from . import redirects
from .events import ACTIONS, KINDS, METHODS, Details, body_of, digest, post
from .pages import chosen, page, refuse_other_origins
from .people import USERS, by_id
from .scopes import WRITE_INTEGRATIONS
from .state import Delivery, Webhook, sandbox_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clients import Client
    from .people import Guild
    from .state import State

blueprint: Blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

REPLAYED = ", replayed"


@blueprint.get("")
def show() -> Response:
    """Show where events go, what can be sent, and what came back. Never the secret."""
    state, client = sandbox_state(current_app), _client()
    guilds = state.guilds_of(client.client_id)
    webhook = state.webhooks[client.client_id]
    return page(
        "webhooks.html",
        client=client,
        webhook=webhook,
        client_secret_signs=webhook.secret == client.client_secret,
        guilds=guilds,
        users=USERS,
        kinds=KINDS,
        methods=METHODS,
        actions=ACTIONS,
        details=_details(request.args, guilds) if guilds else None,
        deliveries=state.deliveries_to(client.client_id),
        replayable=_last(state, client) is not None,
        integration_scope=WRITE_INTEGRATIONS,
    )


@blueprint.post("/settings")
def settings() -> Response:
    """Set where the events go. A secret that is left empty stays as it is."""
    refuse_other_origins()
    state, client = sandbox_state(current_app), _client()
    url = request.form.get("url", "").strip()
    secret = request.form.get("secret") or state.webhooks[client.client_id].secret
    if not redirects.is_webhook_url(url):
        raise BadRequest(
            "The sandbox sends events to this machine only: give an http or https URL whose host "
            "is localhost, 127.0.0.1 or [::1], without a fragment."
        )
    state.webhooks[client.client_id] = Webhook(url, secret)
    return _back(url_for(".show", client_id=client.client_id))


@blueprint.post("/send")
def send() -> Response:
    """Send what the button says, and note the answer."""
    refuse_other_origins()
    state, client = sandbox_state(current_app), _client()
    webhook, guilds = state.webhooks[client.client_id], state.guilds_of(client.client_id)
    if not webhook.url:
        raise BadRequest("Save the webhook URL first.")
    if not guilds:
        raise BadRequest("Add the application to a server first.")
    details = _details(request.form, guilds)
    draft = _draft(request.form.get("send", ""), details, state, client)
    status, answer = post(webhook.url, draft.body, draft.digest)
    state.note_delivery(replace(draft, status=status, answer=answer))
    return _back(
        url_for(
            ".show",
            client_id=client.client_id,
            guild=details.guild.id,
            user=details.member.id,
            method=details.method,
            action=details.action,
            _anchor="sent",
        )
    )


def _client() -> Client:
    client = sandbox_state(current_app).clients.get(request.args.get("client_id", ""))
    if client is None:
        raise NotFound("There is no application with this client id.")
    return client


def _details(form: Mapping[str, str], guilds: tuple[Guild, ...]) -> Details:
    return Details(
        guild=chosen(form, "guild", by_id(guilds)),
        member=chosen(form, "user", by_id(USERS)),
        method=chosen(form, "method", {method: method for method in METHODS}),
        action=chosen(form, "action", {action: action for action in ACTIONS}),
    )


def _draft(button: str, details: Details, state: State, client: Client) -> Delivery:
    """Return what *button* sends, signed."""
    if button == "replay":
        last = _last(state, client)
        if last is None:
            raise BadRequest("There is nothing to replay: nothing was sent yet.")
        return replace(last, title=f"{last.title.removesuffix(REPLAYED)}{REPLAYED}")
    forged = button == "bad-signature"
    kind = KINDS.get("passed" if forged else button)
    if kind is None:
        raise BadRequest("The form names no event that the sandbox knows.")
    body, secret = body_of(kind, details), state.webhooks[client.client_id].secret
    return Delivery(
        client_id=client.client_id,
        title=f"{kind.title}, bad signature" if forged else kind.title,
        body=body,
        digest=digest(f"not {secret}" if forged else secret, body),
        well_signed=not forged,
        status=None,
        answer="",
    )


def _last(state: State, client: Client) -> Delivery | None:
    """Return the latest event that was well signed: what somebody on the way could replay."""
    return next((d for d in state.deliveries_to(client.client_id) if d.well_signed), None)


def _back(location: str) -> Response:
    return Response(status=303, headers={"Location": location})
