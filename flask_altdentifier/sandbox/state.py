"""All that a sandbox knows and remembers, in memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import deque
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

#: Events sent that are remembered.
MAX_DELIVERIES = 50


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
    """An access token that was issued, with its refresh token.

    `expires_in` is in seconds; `expires_at` is aware, in UTC.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    client_id: str
    user: User
    scope: str
    expires_in: int
    expires_at: datetime

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return datetime.now(timezone.utc) >= self.expires_at

    def check_client(self, client: Client) -> bool:
        """Tell Authlib whether *client* may refresh it."""
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        """Tell Authlib the scope that a refresh keeps to."""
        return self.scope


@dataclass(frozen=True)
class Installation:
    """An integration that was added to a server."""

    client_id: str
    guild: Guild
    user: User


@dataclass(frozen=True)
class Webhook:
    """Where the events of an application go, and the secret that signs them."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """An event that was sent. `status` is None where no answer came."""

    client_id: str
    title: str
    body: bytes = field(repr=False)
    digest: str = field(repr=False)
    well_signed: bool
    status: int | None
    #: The status as people read it, or why there is none.
    answer: str


@dataclass
class TokenRequest:
    """One request at the token endpoint; `status` is None while it is being answered.

    `grant_type` is as it was sent. `code_hash` is that of the code, or of the refresh token.
    """

    client_id: str
    grant_type: str
    code_hash: str
    status: int | None = None


def code_hash(code: str) -> str:
    """Return what stands for *code* in `State.token_requests`: SHA-256, in hex."""
    return hashlib.sha256(code.encode()).hexdigest()


class State:
    """The memory of one sandbox. Methods may be called from any thread.

    These may be set at any time: `failure`, `slow_seconds` (of `Failure.SLOW`), `code_lifetime`
    and `token_lifetime` (seconds), `refresh` (whether refresh tokens can be used), and the values
    of `webhooks`. The rest is for reading.
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self.clients: dict[str, Client] = {}
        for client in clients:
            if client.client_id in self.clients:
                raise ValueError(f"two clients have the id {client.client_id!r}")
            self.clients[client.client_id] = client
        self.failure = Failure.NONE
        self.slow_seconds: float = 15.0
        self.code_lifetime: float = 600.0
        self.token_lifetime = EXPIRES_IN
        self.refresh = False
        self.codes: dict[str, Code] = {}
        #: By access token.
        self.tokens: dict[str, Token] = {}
        #: By refresh token, those that were not used.
        self.refresh_tokens: dict[str, Token] = {}
        self.installations: list[Installation] = []
        self.token_requests: list[TokenRequest] = []
        #: By client id, where its events go.
        self.webhooks: dict[str, Webhook] = {
            client.client_id: Webhook(
                client.webhook_url, client.webhook_secret or client.client_secret
            )
            for client in self.clients.values()
        }
        #: The events that were sent, the latest first.
        self.deliveries: deque[Delivery] = deque(maxlen=MAX_DELIVERIES)
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
        with self._lock:
            if self.codes.pop(code.value, None) is None:
                return None
            return self._issue(code.client_id, code.consent.user, code.consent.scope)

    def renew(self, old: Token) -> Token | None:
        """Use the refresh token of *old* up and return a new token, or None as for `redeem`.

        The old access token stays good for its time.
        """
        with self._lock:
            if self.refresh_tokens.pop(old.refresh_token, None) is None:
                return None
            return self._issue(old.client_id, old.user, old.scope)

    def _issue(self, client_id: str, user: User, scope: str) -> Token:
        token = Token(
            access_token=secrets.token_urlsafe(32),
            refresh_token=secrets.token_urlsafe(32),
            client_id=client_id,
            user=user,
            scope=scope,
            expires_in=self.token_lifetime,
            expires_at=datetime.now(timezone.utc) + timedelta(seconds=self.token_lifetime),
        )
        self.tokens[token.access_token] = self.refresh_tokens[token.refresh_token] = token
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

    def guilds_of(self, client_id: str) -> tuple[Guild, ...]:
        """Return the servers that a client was added to, once each."""
        guilds = (i.guild for i in self.installations if i.client_id == client_id)
        return tuple(dict.fromkeys(guilds))

    def note_token_request(self, client_id: str, grant_type: str, code: str) -> TokenRequest:
        """Write down that a token request came in."""
        note = TokenRequest(client_id, grant_type, code_hash(code))
        with self._lock:
            self.token_requests.append(note)
        return note

    def note_delivery(self, delivery: Delivery) -> None:
        """Write down an event that was sent, and forget the oldest of too many."""
        with self._lock:
            self.deliveries.appendleft(delivery)

    def deliveries_to(self, client_id: str) -> list[Delivery]:
        """Return what was sent to a client, the latest first."""
        with self._lock:
            return [delivery for delivery in self.deliveries if delivery.client_id == client_id]


def sandbox_state(app: Flask) -> State:
    """Return the state of the sandbox *app*."""
    return cast("State", app.extensions[STATE])
