"""Signs an event and posts it to an application on this machine."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection, responses
from urllib.parse import urlsplit

from werkzeug.exceptions import BadRequest

from .events import EVENT_KINDS, EventDetails, make_event_body
from .records import Delivery

#: Seconds that an application has to answer.
TIMEOUT = 5.0


def make_delivery(
    button: str,
    details: EventDetails,
    client_id: str,
    secret: str,
    previous: Sequence[Delivery],
) -> Delivery:
    """Return the signed event of *button*, not sent yet.

    Two buttons act as an attacker: one sends an event with a wrong signature, and the other replays
    the newest signed event of *previous*. Raises `BadRequest` for an unknown button, or if there is
    no event to replay.
    """
    if button == "replay":
        return _make_replay(get_last_signed(previous))
    is_signed = button != "bad-signature"
    name = button if is_signed else "passed"
    if name not in EVENT_KINDS:
        raise BadRequest("The form names an event that the sandbox does not know.")
    body, title = make_event_body(name, details), EVENT_KINDS[name].title
    return Delivery(
        client_id=client_id,
        title=title if is_signed else f"{title} (wrong signature)",
        body=body,
        digest=make_digest(secret if is_signed else f"not {secret}", body),
        is_signed=is_signed,
    )


def get_last_signed(deliveries: Sequence[Delivery]) -> Delivery | None:
    """Return the newest correctly signed event, or None. *deliveries* starts with the newest."""
    return next((delivery for delivery in deliveries if delivery.is_signed), None)


def _make_replay(last: Delivery | None) -> Delivery:
    if last is None:
        raise BadRequest("There is nothing to replay, because nothing was sent yet.")
    suffix = " (replayed)"
    return replace(last, title=last.title.removesuffix(suffix) + suffix)


def make_digest(secret: str, body: bytes) -> str:
    """Return the value of the Digest header: the HMAC-MD5 of *body* in hex."""
    return "MD5=" + hmac.digest(secret.encode(), body, "md5").hex()


def post_event(url: str, body: bytes, digest: str) -> str:
    """Post an event to a URL on this machine, and return the result for the page.

    Redirects are not followed, and proxies of the environment are not used.
    """
    headers = {"Content-Type": "application/json", "Digest": digest}
    try:
        status = _post(url, body, headers)
    except TimeoutError:
        return f"No response within {TIMEOUT:g} seconds"
    except (OSError, HTTPException):
        return "No response. Is the application running?"
    return f"{status} {responses.get(status, '')}".rstrip()


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("POST", parts._replace(scheme="", netloc="").geturl(), body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
