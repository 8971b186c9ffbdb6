"""The records of the sandbox: codes, tokens, integrations, events and token requests."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .users import Guild, User


@dataclass(frozen=True)
class Consent:
    """A user's consent: the ticked scopes, and the server for write:integrations."""

    user: User
    scope: str
    guild: Guild | None = None


@dataclass(frozen=True)
class Code:
    """An authorization code. `expires_at` is in seconds of `time.monotonic`."""

    value: str = field(repr=False)
    client_id: str
    redirect_uri: str
    consent: Consent
    expires_at: float
    code_challenge: str | None = field(default=None, repr=False)
    code_challenge_method: str | None = None

    @property
    def expired(self) -> bool:
        """Whether the code has expired."""
        return time.monotonic() >= self.expires_at

    def get_redirect_uri(self) -> str:
        """Return the redirect URI that the token request must repeat. Authlib calls this."""
        return self.redirect_uri


@dataclass(frozen=True)
class Token:
    """An access token. `expires_in` is in seconds, `expires_at` is an aware UTC time."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    user: User
    scope: str
    expires_in: int
    expires_at: datetime

    @property
    def expired(self) -> bool:
        """Whether the token has expired."""
        return datetime.now(timezone.utc) >= self.expires_at


@dataclass(frozen=True)
class Installation:
    """An integration that a user added to a server."""

    client_id: str
    guild: Guild
    user: User


@dataclass(frozen=True)
class Webhook:
    """The URL that receives the events of an application, and the secret that signs them.

    If `is_made_up`, the sandbox has generated the secret, and its page may show it.
    """

    url: str
    secret: str = field(repr=False)
    is_made_up: bool = False


@dataclass(frozen=True)
class Delivery:
    """An event that was sent. `result` is for the page."""

    client_id: str
    title: str
    body: bytes = field(repr=False)
    digest: str = field(repr=False)
    is_signed: bool
    result: str = ""


@dataclass
class TokenRequest:
    """A request to the token endpoint."""

    client_id: str
    #: The SHA-256 of the code in hex.
    code_hash: str
    #: None before the response.
    status: int | None = None
    #: Why the response is an error.
    problem: str = ""
    #: An aware UTC time.
    received_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
