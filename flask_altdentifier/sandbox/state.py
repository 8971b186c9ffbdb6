"""All that a sandbox knows and remembers, in memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast

from .failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

    from .clients import Client
    from .people import Guild, User

#: Where an app keeps its `State`: ``app.extensions[STATE]``.
STATE = "altdentifier_sandbox"

#: Seconds that an access token is good for, as documented.
EXPIRES_IN = 604_800


@dataclass(frozen=True)
class Consent:
    """What a user allowed: the scopes left ticked, and the server where one was chosen."""

    user: User
    scope: str
    guild: Guild | None = None


@dataclass(frozen=True)
class Code:
    """An authorization code, bound to its client and redirect URI.

    `expires_at` is on the clock of `time.monotonic`.
    """

    value: str = field(repr=False)
    client_id: str
    redirect_uri: str
    consent: Consent
    expires_at: float
    code_challenge: str | None = field(default=None, repr=False)
    code_challenge_method: str | None = None

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return time.monotonic() >= self.expires_at

    def get_redirect_uri(self) -> str:
        """Tell Authlib the redirect URI that the token request must repeat."""
        return self.redirect_uri


@dataclass(frozen=True)
class Token:
    """An access token that was issued, with its refresh token. `expires_at` is aware, in UTC."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    client_id: str
    user: User
    scope: str
    expires_at: datetime

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return datetime.now(timezone.utc) >= self.expires_at


@dataclass(frozen=True)
class Installation:
    """An integration that was added to a server."""

    client_id: str
    guild: Guild
    user: User


@dataclass
class TokenRequest:
    """One request at the token endpoint; `status` is None while it is being answered."""

    client_id: str
    code_hash: str
    status: int | None = None


def code_hash(code: str) -> str:
    """Return what stands for *code* in `State.token_requests`: SHA-256, in hex."""
    return hashlib.sha256(code.encode()).hexdigest()


class State:
    """The memory of one sandbox. Methods may be called from any thread.

    `failure`, `slow_seconds` (of `Failure.SLOW`) and `code_lifetime` (seconds) may be set at any
    time; the rest is for reading.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self.clients: dict[str, Client] = {}
        for client in clients:
            if client.client_id in self.clients:
                raise ValueError(f"two clients have the id {client.client_id!r}")
            self.clients[client.client_id] = client
        self.failure = Failure.NONE
        self.slow_seconds = 15.0
        self.code_lifetime = 600.0
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, Token] = {}
        self.installations: list[Installation] = []
        self.token_requests: list[TokenRequest] = []
        self._lock = threading.Lock()

    def add_code(self, code: Code) -> None:
        """Remember *code*, and forget those whose time is over."""
        with self._lock:
            self.codes = {c.value: c for c in (*self.codes.values(), code) if not c.expired}

    def code(self, value: str, client_id: str) -> Code | None:
        """Return the code *value* if it is still good and was made for this client."""
        code = self.codes.get(value)
        if code is None or code.expired or code.client_id != client_id:
            return None
        return code

    def redeem(self, code: Code) -> Token | None:
        """Use *code* up and return a new token for it, or None where another was faster."""
        token = Token(
            access_token=secrets.token_urlsafe(32),
            refresh_token=secrets.token_urlsafe(32),
            client_id=code.client_id,
            user=code.consent.user,
            scope=code.consent.scope,
            expires_at=datetime.now(timezone.utc) + timedelta(seconds=EXPIRES_IN),
        )
        with self._lock:
            if self.codes.pop(code.value, None) is None:
                return None
            self.tokens[token.access_token] = token
        return token

    def token(self, access_token: str) -> Token | None:
        """Return the live token that a bearer shows, or None."""
        token = self.tokens.get(access_token)
        return None if token is None or token.expired else token

    def install(self, client: Client, consent: Consent) -> None:
        """Remember that *client* was added to the server of *consent*, if it names one."""
        if consent.guild is None:
            return
        installation = Installation(client.client_id, consent.guild, consent.user)
        with self._lock:
            if installation not in self.installations:
                self.installations.append(installation)

    def note_token_request(self, client_id: str, code: str) -> TokenRequest:
        """Write down that a token request came in."""
        note = TokenRequest(client_id, code_hash(code))
        with self._lock:
            self.token_requests.append(note)
        return note


def sandbox_state(app: Flask) -> State:
    """Return the state of the sandbox *app*."""
    return cast("State", app.extensions[STATE])
