"""Receives the events of an AltDentifier integration.

Handlers must be idempotent, because an event has neither a time nor an ID, and a replay looks like
a new event. If Flask-WTF protects the whole app, exempt the blueprint with
`csrf.exempt(webhooks.blueprint)`.

Example::

    app.register_blueprint(flask_altdentifier.blueprint)
    app.register_blueprint(webhooks.blueprint)  # POST /webhook

    @webhooks.on(app, webhooks.Op.PASSED)
    def welcome(event: webhooks.Event) -> None: ...
"""

from __future__ import annotations

from .endpoint import MAX_BODY as MAX_BODY
from .endpoint import WebhookInvalid as WebhookInvalid
from .endpoint import WebhookTooLarge as WebhookTooLarge
from .endpoint import WebhookUnsigned as WebhookUnsigned
from .endpoint import blueprint as blueprint
from .endpoint import event_received as event_received
from .endpoint import on as on
from .events import Action as Action
from .events import Event as Event
from .events import Guild as Guild
from .events import Member as Member
from .events import Method as Method
from .events import Op as Op
from .signature import digest as digest

__all__ = [
    "MAX_BODY",
    "Action",
    "Event",
    "Guild",
    "Member",
    "Method",
    "Op",
    "WebhookInvalid",
    "WebhookTooLarge",
    "WebhookUnsigned",
    "blueprint",
    "digest",
    "event_received",
    "on",
]
