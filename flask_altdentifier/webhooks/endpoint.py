"""`POST /webhook`: verifies the signature of an event, and calls the handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from blinker import NamedSignal, Namespace
from flask import Blueprint, Flask, Response, current_app, request
from flask.sansio.app import App
from werkzeug.exceptions import HTTPException

from .. import signals, strict_json
from ..config import Config, read_config
from ..decorators import public
from ..errors import AltDentifierError, ConfigError, log
from ..state import find_state, get_state
from .events import Event
from .signature import is_signed

#: Largest body, in bytes.
MAX_BODY = 64 * 1024

#: AltDentifier sent an event. Sent with `event`, an `Event`. The sender is the app. If a receiver
#: raises, the response is a 500, so that AltDentifier may send the event again.
event_received: NamedSignal = Namespace().signal("altdentifier-event-received")

Handler = TypeVar("Handler", bound=Callable[[Event], Any])

_HANDLERS_KEY = "altdentifier_webhooks"


class WebhookRefused(AltDentifierError):
    """Base of the errors of the webhook. It has no status, and no page, because programs post."""

    has_page: ClassVar[bool] = False


class WebhookTooLarge(WebhookRefused):
    """The body is longer than `MAX_BODY`."""

    code: int = 413
    reason = "webhook_too_large"
    title: str = "The event is too large"
    detail: str = "The body of an event has at most 65,536 bytes."


class WebhookUnsigned(WebhookRefused):
    """The `Digest` header is missing, malformed, ambiguous or wrong."""

    code: int = 403
    reason = "webhook_digest"
    title: str = "The signature is not valid"
    detail: str = (
        "The Digest header must be MD5= and the HMAC-MD5 of the body in hexadecimal. "
        "The key is the webhook secret."
    )


class WebhookInvalid(WebhookRefused):
    """The signature is valid, but the body is not a JSON object of at most 32 levels."""

    code: int = 400
    reason = "webhook_invalid"
    title: str = "The event is not valid"
    detail: str = "The body of an event is a JSON object of at most 32 levels."


def on(app: Flask, *ops: int) -> Callable[[Handler], Handler]:
    """Decorate a function, sync or async, that handles events of *app*.

    Handlers run in the order of their registration, after the receivers of `event_received`. If one
    raises, the others do not run, and the response is a 500. Return values are ignored.

    Args:
        app: The app that receives the events.
        ops: The ops to handle. Default: every op.

    Returns:
        The decorator.

    Raises:
        TypeError: *app* is missing.
        RuntimeError: The function is async, and Flask's `async` extra is not installed.

    Example::

        @webhooks.on(app, webhooks.Op.PASSED)
        def welcome(event):
            print(event.member, "is verified")
    """
    if not isinstance(app, Flask):
        raise TypeError("Write @webhooks.on(app) or @webhooks.on(app, webhooks.Op.PASSED).")
    wanted = frozenset(ops)

    def decorate(handler: Handler) -> Handler:
        handlers = app.extensions.setdefault(_HANDLERS_KEY, [])
        handlers.append((wanted, app.ensure_sync(handler)))
        return handler

    return decorate


class WebhookBlueprint(Blueprint):
    """A blueprint that requires `ALTDENTIFIER_WEBHOOK_SECRET` at registration."""

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Add the route to *app*, before or after `flask_altdentifier.blueprint` is registered.

        Raises `ConfigError` if `ALTDENTIFIER_WEBHOOK_SECRET` is missing.
        """
        state = find_state(app)
        _secrets(read_config(app.config) if state is None else state.config)
        super().register(app, options)


@public
def webhook() -> Response:
    """`POST /webhook`: receive an event."""
    secrets = _secrets(get_state().config)
    try:
        event = _receive_event(secrets)
    except WebhookRefused as error:
        log("Webhook refused: %s", error)
        raise
    try:
        _call_handlers(event)
    except HTTPException as error:
        # Another status could make AltDentifier believe that the event was handled.
        raise RuntimeError("A webhook handler raised an HTTP error.") from error
    return current_app.response_class(b"", status=204)


def _secrets(config: Config) -> tuple[str, ...]:
    if config.webhook_secret is None:
        raise ConfigError(
            "ALTDENTIFIER_WEBHOOK_SECRET is missing, so webhooks.blueprint cannot verify events. "
            "Set it to the server's signature, from your application's page, before you register "
            "flask_altdentifier.blueprint."
        )
    return config.webhook_secret


def _receive_event(secrets: tuple[str, ...]) -> Event:
    body = _read_body()
    if not is_signed(request.headers.get("Digest", ""), secrets, body):
        raise WebhookUnsigned
    try:
        raw = strict_json.loads(body)
    except ValueError:
        raise WebhookInvalid from None
    if not isinstance(raw, dict):
        raise WebhookInvalid
    return Event.from_raw(raw)


def _read_body() -> bytes:
    """Return the raw body. Raises `WebhookTooLarge` after reading at most one byte too many."""
    if (request.content_length or 0) > MAX_BODY:
        raise WebhookTooLarge
    # This replaces MAX_CONTENT_LENGTH. Werkzeug cuts off a chunked body at the limit without an
    # error, so the limit is one byte more.
    request.max_content_length = MAX_BODY + 1
    body = request.get_data()
    if len(body) > MAX_BODY:
        raise WebhookTooLarge
    return body


def _call_handlers(event: Event) -> None:
    signals.send(event_received, event=event)
    for wanted, handler in current_app.extensions.get(_HANDLERS_KEY, ()):
        if not wanted or event.op in wanted:
            handler(event)


#: `app.register_blueprint(webhooks.blueprint)` adds `POST /webhook`. `url_prefix=` and `name=` work
#: as in Flask.
blueprint: WebhookBlueprint = WebhookBlueprint("altdentifier_webhooks", __name__)
blueprint.add_url_rule("/webhook", "webhook", webhook, methods=["POST"])
