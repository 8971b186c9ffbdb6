"""Receives the events of an AltDentifier integration.

    app.register_blueprint(flask_altdentifier.blueprint)
    app.register_blueprint(webhooks.blueprint)  # POST /webhook

    @webhooks.on(app, webhooks.Op.PASSED)
    def welcome(event: webhooks.Event) -> None: ...

An event has neither a time nor a number of its own, so one that is sent again, by AltDentifier or
by whoever has seen it, cannot be told from a new one: handlers must be idempotent. Where
Flask-WTF guards the whole app, exempt the blueprint: `csrf.exempt(webhooks.blueprint)`.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

from blinker import NamedSignal, Namespace
from flask import Blueprint, Flask, Response, current_app, request
from flask.sansio.app import App
from werkzeug.exceptions import HTTPException

from . import signals, strict_json
from .errors import AltDentifierError, ConfigError
from .event import Action as Action
from .event import Event as Event
from .event import Guild as Guild
from .event import Member as Member
from .event import Method as Method
from .event import Op as Op
from .installed import KEY, installed
from .requires import public
from .settings import Settings

logger: logging.Logger = logging.getLogger("flask_altdentifier")

#: Bytes of a body that are read at most.
MAX_BODY = 64 * 1024

#: AltDentifier sent an event. Sent with `event`, an `Event`; the sender is the app. A receiver
#: that raises makes the answer a 500, so that AltDentifier may send the event again.
event_received: NamedSignal = Namespace().signal("altdentifier-event-received")

Handler = TypeVar("Handler", bound=Callable[[Event], Any])


_HANDLERS = "altdentifier_webhooks"
_MD5 = re.compile(r"md5=([0-9a-f]{32})", re.ASCII | re.IGNORECASE)


class WebhookRefused(AltDentifierError):
    """Base of what is wrong with a post to the webhook; has no status.

    Programs post there, so the answer is always `application/problem+json`, and no login helps.
    """

    login_helps = False
    has_page = False


class WebhookTooLarge(WebhookRefused):
    """The body is longer than `MAX_BODY`."""

    code: int = 413
    reason = "webhook_too_large"
    title = "The event is too large"
    detail = "An event may have 65,536 bytes."


class WebhookUnsigned(WebhookRefused):
    """`Digest` is missing, malformed, ambiguous or wrong."""

    code: int = 403
    reason = "webhook_digest"
    title = "The event is not signed"
    detail = "The header Digest must be MD5= and the HMAC-MD5 of the body, keyed with the secret."


class WebhookInvalid(WebhookRefused):
    """The body is signed but is not a JSON object in UTF-8 (RFC 8259)."""

    code: int = 400
    reason = "webhook_invalid"
    title = "The event cannot be read"
    detail = "An event is a JSON object."


def on(app: Flask, *ops: int) -> Callable[[Handler], Handler]:
    """Decorate a function, sync or async, that takes the events of *app* with one of *ops*.

    No op means every event. Handlers run in the order in which they were added, after the
    receivers of `event_received`; one that raises stops the rest and makes the answer a 500. What
    they return is ignored.

    Raises `TypeError` where it is used without an app, and `RuntimeError` for an async function
    where Flask lacks its `async` extra.
    """
    if not isinstance(app, Flask):
        raise TypeError("Write @webhooks.on(app) or @webhooks.on(app, webhooks.Op.PASSED).")
    wanted = frozenset(ops)

    def decorate(handler: Handler) -> Handler:
        handlers = app.extensions.setdefault(_HANDLERS, [])
        handlers.append((wanted, app.ensure_sync(handler)))
        return handler

    return decorate


def digest(secret: str, body: bytes) -> str:
    """Return the header `Digest` that AltDentifier sends with *body*. Tests need it."""
    return "MD5=" + hmac.digest(secret.encode(), body, "md5").hex()


class Webhooks(Blueprint):
    """A blueprint that checks that it has a secret when it is registered."""

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Add the route to *app*, before or after `flask_altdentifier.blueprint`, which it needs.

        Raises `ConfigError` where `ALTDENTIFIER_WEBHOOK_SECRET` is missing.
        """
        found = app.extensions.get(KEY)
        _secret(Settings.from_config(app.config) if found is None else found.settings)
        super().register(app, options)


@public
def webhook() -> Response:
    """`POST /webhook`: AltDentifier tells of a verification."""
    secret = _secret(installed().settings)
    try:
        event = _receive(secret)
    except WebhookRefused as error:
        logger.warning("Webhook refused: %s.", error.reason)
        raise
    try:
        _hand_out(event)
    except HTTPException as problem:
        # An answer of another status could tell AltDentifier not to send the event again.
        raise RuntimeError("A handler of a webhook raised an HTTP error.") from problem
    return current_app.response_class(status=204)


def _secret(settings: Settings) -> str:
    if settings.webhook_secret is None:
        raise ConfigError(
            "ALTDENTIFIER_WEBHOOK_SECRET is missing, so webhooks.blueprint cannot tell who sends "
            "an event. Set it to the server's signature, from your application's page, before "
            "flask_altdentifier.blueprint is registered."
        )
    return settings.webhook_secret


def _receive(secret: str) -> Event:
    """Return the event that this request brings. Raises `WebhookRefused`."""
    body = _body()
    claimed = _claimed_digest(request.headers.get("Digest", ""))
    if claimed is None or not hmac.compare_digest(claimed, digest(secret, body)):
        raise WebhookUnsigned
    try:
        raw = strict_json.loads(body)
    except ValueError:
        raise WebhookInvalid from None
    if not isinstance(raw, dict):
        raise WebhookInvalid
    return Event.from_raw(raw)


def _body() -> bytes:
    """Return the raw body. Raises `WebhookTooLarge` and reads no more than tells so."""
    length = request.content_length
    if length is not None and length > MAX_BODY:
        raise WebhookTooLarge
    if length is None or request.max_content_length is not None:
        # Whatever MAX_CONTENT_LENGTH says. Chunked bodies are cut off there, so it is one more.
        request.max_content_length = MAX_BODY + 1
    body = request.get_data()
    if len(body) > MAX_BODY:
        raise WebhookTooLarge
    return body


def _claimed_digest(header: str) -> str | None:
    """Return the one MD5 digest in `Digest`, or None.

    Digests of other algorithms may stand beside it (RFC 3230 section 4.3.2). Two of MD5, even
    equal ones, count as none.
    """
    values = [value.strip(" \t") for value in header.split(",")]
    values = [value for value in values if value[:4].upper() == "MD5="]
    match = _MD5.fullmatch(values[0]) if len(values) == 1 else None
    return None if match is None else "MD5=" + match[1].lower()


def _hand_out(event: Event) -> None:
    signals.send(event_received, event=event)
    for wanted, handler in current_app.extensions.get(_HANDLERS, ()):
        if not wanted or event.op in wanted:
            handler(event)


#: Register it: `app.register_blueprint(webhooks.blueprint)`. `url_prefix=` and `name=` work as in
#: Flask.
blueprint: Webhooks = Webhooks("altdentifier_webhooks", __name__)
blueprint.add_url_rule("/webhook", "webhook", webhook, methods=["POST"])
