"""AltDentifier's OAuth 2.0 API, through Authlib's `OAuth2Client`."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import cached_property, lru_cache
from typing import Any, NoReturn
from urllib.parse import quote_plus, urlencode

from authlib.oauth2 import ClientAuth, OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from werkzeug.http import http_date, parse_date

from . import scopes, token_response
from .errors import (
    ClientCredentialsRejected,
    CodeRejected,
    ProviderError,
    ProviderUnavailable,
)
from .grant import Grant
from .settings import Settings
from .transport import Response, Transport

logger: logging.Logger = logging.getLogger("flask_altdentifier")

AUTHORIZE = "/oauth2/authorize"
TOKEN = "/oauth2/token"  # noqa: S105


class Provider:
    """The authorization server, as one client of it sees it."""

    def __init__(self, settings: Settings, transport: Transport) -> None:
        self.settings = settings
        self.transport = transport
        # Authlib takes half as long for it as all the rest of /login.
        self._common_url = lru_cache(maxsize=64)(self._build_common_url)

    def authorization_url(
        self,
        *,
        redirect_uri: str,
        scope: frozenset[str],
        state: str,
        verifier: str | None,
        guild_id: str | None,
    ) -> str:
        """Return the URL at which the user is asked (RFC 6749 section 4.1.1).

        A *verifier* adds PKCE's challenge (RFC 7636), a *guild_id* the server to add to.
        """
        own = {"state": state}
        if verifier is not None:
            challenge: Any = create_s256_code_challenge  # untyped
            own["code_challenge"] = challenge(verifier)
            own["code_challenge_method"] = "S256"
        if guild_id is not None:
            own["guild_id"] = guild_id
        return f"{self._common_url(redirect_uri, scope)}&{urlencode(own)}"

    def _build_common_url(self, redirect_uri: str, scope: frozenset[str]) -> str:
        """Return what is the same in the URL for all who are asked for *scope*."""
        url = self.settings.base_url + AUTHORIZE
        client_id = self.settings.client_id
        return str(prepare_grant_uri(url, client_id, "code", redirect_uri, scopes.join(scope)))

    def exchange(
        self, code: str, *, redirect_uri: str, verifier: str | None, requested_scope: frozenset[str]
    ) -> Grant:
        """Return the grant for an authorization code (RFC 6749 section 4.1.3), sent once.

        Raises `CodeRejected`, `ClientCredentialsRejected`, `ProviderUnavailable`,
        `ProviderTimeout`, or `ProviderError` for any answer that is no valid token response.
        """
        asked_at = time.time()
        token = self._client(redirect_uri).fetch_token(
            TOKEN,
            grant_type="authorization_code",
            code=code,
            **({} if verifier is None else {"code_verifier": verifier}),
        )
        return _grant(token, asked_at, requested_scope, requested_scope)

    def refresh(self, grant: Grant) -> Grant:
        """Return the grant that follows *grant* (RFC 6749 section 6).

        Raises as `exchange` does; `CodeRejected` means that it is not refreshed any more.
        """
        asked_at = time.time()
        # Authlib keeps the old refresh token where no new one comes.
        token = self._client(None).refresh_token(TOKEN, refresh_token=grant.refresh_token)
        return _grant(token, asked_at, grant.scope, grant.requested_scope)

    def _client(self, redirect_uri: str | None) -> OAuth2Client:
        client = OAuth2Client(
            _TokenEndpoint(self.transport),
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            token_endpoint_auth_method=self.settings.token_auth_method,
            redirect_uri=redirect_uri,
        )
        client.register_client_auth_method(("client_secret_basic", _client_secret_basic))
        client.register_client_auth_method(("client_secret_post", self._client_secret_post))
        return client

    def _client_secret_post(
        self, _client: ClientAuth, _method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        """Add both to the form (RFC 6749 section 2.3.1); Authlib would read and write it anew."""
        return uri, headers, f"{body}&{self._credentials}"

    @cached_property
    def _credentials(self) -> str:
        settings = self.settings
        return urlencode({"client_id": settings.client_id, "client_secret": settings.client_secret})


def _grant(
    token: Mapping[str, Any],
    asked_at: float,
    scope: frozenset[str],
    requested_scope: frozenset[str],
) -> Grant:
    """Return the grant in *token*: at most *scope*, which it means where it tells none.

    Its life is counted from *asked_at*, when the request was sent: so it ends here no later than
    at AltDentifier, however long the answer took.
    """
    granted = scopes.parse(token["scope"]) if "scope" in token else scope
    return Grant(
        access_token=token["access_token"],
        refresh_token=token.get("refresh_token"),
        scope=granted & scope,
        requested_scope=requested_scope,
        expires_at=datetime.fromtimestamp(asked_at + token["expires_in"], timezone.utc),
    )


class _TokenEndpoint:
    """What `OAuth2Client` takes for its HTTP session: sends, and lets only tokens through."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def post(
        self, target: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth
    ) -> _Token:
        # Authlib hands out one dict of headers for all; the secret must not stay in it.
        prepare: Any = auth.prepare
        target, headers, body = prepare("POST", target, dict(headers), urlencode(data))
        response = self.transport.request("POST", target, headers=headers, body=body.encode())
        if response.status != 200:
            _refuse(response)
        try:
            return _Token(token_response.parse(response.data))
        except ValueError:
            raise ProviderError from None


class _Token:
    """A checked token response, in the form in which `OAuth2Client` reads one."""

    status_code = 200

    def __init__(self, token: dict[str, Any]) -> None:
        self.token = token

    def json(self) -> dict[str, Any]:
        return self.token


def _client_secret_basic(
    client: ClientAuth, _method: str, uri: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    """Form-encode both before they are joined (RFC 6749 section 2.3.1), which Authlib does not."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return uri, headers, body


def _refuse(response: Response) -> NoReturn:
    if response.status == 400:
        raise CodeRejected
    if response.status == 401:
        logger.error(
            "AltDentifier does not accept ALTDENTIFIER_CLIENT_ID with ALTDENTIFIER_CLIENT_SECRET. "
            "Compare both with your application's page."
        )
        raise ClientCredentialsRejected
    if response.status in {429, 503}:
        raise ProviderUnavailable(retry_after=retry_after(response))
    raise ProviderError


def retry_after(response: Response) -> str | None:
    """Return Retry-After where it is a number or an HTTP date, written anew."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return value[:10]
    try:
        date = parse_date(value)
        return None if date is None else http_date(date)
    except OverflowError:  # a year of eleven digits, or the last day of the year 9999
        return None
