"""The events that AltDentifier sends to an integration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .users import USERS

if TYPE_CHECKING:
    from .users import Guild, User

METHODS = ("steam", "reddit", "twitter", "overwatch", "captcha", "xbox", "youtube", "bypass")
ACTIONS = ("kick", "ban", "role", "nothing")

REASON = "The account is too new."
TIMEOUT_ROLE = "700000000000000001"


@dataclass(frozen=True)
class EventKind:
    """A kind of event: its `OP` and its title on the page."""

    op: int
    title: str


#: By the value of the button that sends it.
EVENT_KINDS = {
    "started": EventKind(0, "Verification started"),
    "passed": EventKind(1, "Verification passed"),
    "failed": EventKind(2, "Verification failed"),
    "ignored": EventKind(3, "Verification ignored"),
    "incorrect": EventKind(4, "Account incorrect"),
    "test": EventKind(5, "Test event"),
}


@dataclass(frozen=True)
class EventDetails:
    """What an event is about."""

    guild: Guild
    member: User
    method: str
    action: str


def make_event_body(name: str, details: EventDetails) -> bytes:
    """Return the JSON body of an event, with the fields that are documented for its kind.

    *name* is a key of `EVENT_KINDS`.
    """
    guild = {"id": details.guild.id, "name": details.guild.name}
    event = {
        "OP": EVENT_KINDS[name].op,
        "member": _make_account(details.member),
        "guild": guild,
        **_get_extra_fields(name, details),
    }
    return json.dumps(event).encode()


def _get_extra_fields(name: str, details: EventDetails) -> dict[str, Any]:
    match name:
        case "passed":
            return {"method": details.method}
        case "failed":
            return {"method": details.method, "reason": REASON}
        case "ignored" if details.action == "role":
            return {"action": details.action, "timeout_role": TIMEOUT_ROLE}
        case "ignored":
            return {"action": details.action}
        case "incorrect":
            other = next(user for user in USERS if user != details.member)
            return {"incorrect_account": _make_account(other)}
    return {}


def _make_account(user: User) -> dict[str, str]:
    return {"id": user.id, "username": user.name, "discriminator": "0001"}
