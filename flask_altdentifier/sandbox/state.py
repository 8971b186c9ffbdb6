"""The state of one sandbox, in memory."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import deque
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast

from .failures import Failure
from .records import Installation, Token, TokenRequest, Webhook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

    from .clients import Client
    from .records import Code, Consent, Delivery
    from .users import Guild

#: Seconds that an access token lasts, as documented.
EXPIRES_IN = 604_800

#: Most codes, tokens, integrations and token requests that are kept. A new one evicts the oldest.
MAX_RECORDS = 1000

#: Most characters of a token request's client ID and problem that are kept. Any website can send
#: token requests from a browser on this machine.
MAX_TEXT = 500

#: Most sent events that are kept.
MAX_DELIVERIES = 50

STATE_KEY = "altdentifier_sandbox"


class SandboxState:
    """The state of one sandbox. Its methods are thread-safe.

    Tests can set these at any time: `failure`, `slow_seconds` (for `Failure.SLOW`),
    `code_lifetime` and `token_lifetime` (seconds), and the values of `webhooks` (by client ID).

    Tests can read these: `clients` (by client ID), `codes`, `tokens` (by access token),
    `installations`, `token_requests` (oldest first) and `deliveries` (newest first).

    Example::

        sandbox_state(app).token_lifetime = 60
    """

    def __init__(self, clients: Iterable[Client]) -> None:
        self.clients: dict[str, Client] = {}
        for client in clients:
            if client.client_id in self.clients:
                raise ValueError(f"two clients have the ID {client.client_id!r}")
            self.clients[client.client_id] = client
        self._failure = Failure.NONE
        self.slow_seconds: float = 15.0
        self.code_lifetime: float = 600.0
        self.token_lifetime: int = EXPIRES_IN
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, Token] = {}
        self.installations: list[Installation] = []
        self.token_requests: deque[TokenRequest] = deque(maxlen=MAX_RECORDS)
        self.webhooks: dict[str, Webhook] = {
            client_id: _make_webhook(client) for client_id, client in self.clients.items()
        }
        self.deliveries: deque[Delivery] = deque(maxlen=MAX_DELIVERIES)
        self._lock = threading.Lock()

    @property
    def failure(self) -> Failure:
        """The failure that the sandbox simulates."""
        return self._failure

    @failure.setter
    def failure(self, failure: Failure | str) -> None:
        self._failure = Failure(failure)  # which raises ValueError for anything else

    def add_code(self, code: Code) -> None:
        """Add *code*, and remove expired codes."""
        with self._lock:
            live = {c.value: c for c in self.codes.values() if not c.expired}
            self.codes = {**live, code.value: code}
            _limit(self.codes)

    def get_code(self, value: str, client_id: str) -> Code | None:
        """Return an unexpired code of this client, or None. The code stays valid."""
        code = self.codes.get(value)
        if code is None or code.expired or code.client_id != client_id:
            return None
        return code

    def redeem_code(self, code: Code) -> Token | None:
        """Atomically remove *code* and return a new token, or None if the code was used."""
        token = Token(
            access_token=secrets.token_urlsafe(32),
            refresh_token=secrets.token_urlsafe(32),
            user=code.consent.user,
            scope=code.consent.scope,
            expires_in=self.token_lifetime,
            expires_at=datetime.now(timezone.utc) + timedelta(seconds=self.token_lifetime),
        )
        with self._lock:
            if self.codes.pop(code.value, None) is None:
                return None
            self.tokens[token.access_token] = token
            _limit(self.tokens)
        return token

    def get_token(self, access_token: str) -> Token | None:
        """Return an unexpired token, or None."""
        token = self.tokens.get(access_token)
        return None if token is None or token.expired else token

    def add_installation(self, client: Client, consent: Consent) -> None:
        """Record that the user added *client* to a server, if the consent has one."""
        if consent.guild is None:
            return
        installation = Installation(client.client_id, consent.guild, consent.user)
        with self._lock:
            if installation not in self.installations:
                self.installations = [*self.installations, installation][-MAX_RECORDS:]

    def get_guilds(self, client_id: str) -> tuple[Guild, ...]:
        """Return the servers that a client was added to, without duplicates."""
        guilds = (i.guild for i in self.installations if i.client_id == client_id)
        return tuple(dict.fromkeys(guilds))

    def add_token_request(self, client_id: str, code: str) -> TokenRequest:
        """Record a token request before its response."""
        token_request = TokenRequest(client_id[:MAX_TEXT], code_hash(code))
        with self._lock:
            self.token_requests.append(token_request)
        return token_request

    def get_token_requests(self) -> list[TokenRequest]:
        """Return the token requests, newest first."""
        with self._lock:
            return list(reversed(self.token_requests))

    def add_delivery(self, delivery: Delivery) -> None:
        """Record an event that was sent."""
        with self._lock:
            self.deliveries.appendleft(delivery)

    def get_deliveries(self, client_id: str) -> list[Delivery]:
        """Return the events sent to a client, newest first."""
        with self._lock:
            return [d for d in self.deliveries if d.client_id == client_id]


def sandbox_state(app: Flask) -> SandboxState:
    """Return the state of a sandbox.

    Args:
        app: The result of `create_app`.

    Returns:
        The state, to read and to change.

    Example::

        sandbox_state(app).token_lifetime = 60
    """
    return cast("SandboxState", app.extensions[STATE_KEY])


def code_hash(code: str) -> str:
    """Return the SHA-256 of *code* in hex, as in `TokenRequest.code_hash`."""
    return hashlib.sha256(code.encode()).hexdigest()


def _make_webhook(client: Client) -> Webhook:
    secret = client.webhook_secret or secrets.token_urlsafe(24)
    return Webhook(client.webhook_url, secret, is_made_up=not client.webhook_secret)


def _limit(records: dict[str, Any]) -> None:
    """Delete the oldest of more than `MAX_RECORDS` records."""
    for key in list(records)[:-MAX_RECORDS]:
        del records[key]
