"""The events that AltDentifier tells an integration of, and how they are signed and sent."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from http.client import responses
from typing import TYPE_CHECKING, Any

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .people import USERS

if TYPE_CHECKING:
    from .people import Guild, User

#: Seconds after which an app that does not answer is given up.
TIMEOUT = 5

METHODS = ("steam", "reddit", "twitter", "overwatch", "captcha", "xbox", "youtube", "bypass")
ACTIONS = ("kick", "ban", "role", "nothing")

REASON = "The account is too new."
TIMEOUT_ROLE = "700000000000000001"


@dataclass(frozen=True)
class Kind:
    """A kind of event: its `OP`, and a name for it."""

    op: int
    title: str


#: By the word that stands for it in a form.
KINDS = {
    "started": Kind(0, "Verification started"),
    "passed": Kind(1, "Verification passed"),
    "failed": Kind(2, "Verification failed"),
    "ignored": Kind(3, "Verification ignored"),
    "incorrect": Kind(4, "Account incorrect"),
    "test": Kind(5, "Test event"),
}


@dataclass(frozen=True)
class Details:
    """What an event is about."""

    guild: Guild
    member: User
    method: str
    action: str


def body_of(kind: Kind, details: Details) -> bytes:
    """Return the body of an event, with the documented fields of its kind."""
    guild = {"id": details.guild.id, "name": details.guild.name}
    event = {"OP": kind.op, "member": _account(details.member), "guild": guild}
    match kind.op:
        case 1:
            event |= {"method": details.method}
        case 2:
            event |= {"method": details.method, "reason": REASON}
        case 3 if details.action == "role":
            event |= {"action": details.action, "timeout_role": TIMEOUT_ROLE}
        case 3:
            event |= {"action": details.action}
        case 4:
            other = next(user for user in USERS if user != details.member)
            event |= {"incorrect_account": _account(other)}
    return json.dumps(event).encode()


def digest(secret: str, body: bytes) -> str:
    """Return the header `Digest`: the HMAC-MD5 of *body*, in hex."""
    return "MD5=" + hmac.digest(secret.encode(), body, "md5").hex()


def post(url: str, body: bytes, signature: str) -> tuple[int | None, str]:
    """Post an event; return the status, None where no answer came, and words for it.

    Redirects are not followed, and the body of the answer is not read.
    """
    headers = {"Content-Type": "application/json", "Digest": signature}
    with PoolManager(retries=False, timeout=Timeout(total=TIMEOUT)) as pool:
        try:
            response = pool.request(
                "POST", url, body=body, headers=headers, redirect=False, preload_content=False
            )
        except ReadTimeoutError:
            return None, f"no answer within {TIMEOUT} seconds"
        except HTTPError:
            return None, "no answer; is the app running?"
        response.close()
    return response.status, f"{response.status} {responses.get(response.status, '')}".rstrip()


def _account(user: User) -> dict[str, Any]:
    return {"id": user.id, "username": user.name, "discriminator": "0001"}
