"""The grants that the token endpoint knows, on Authlib's classes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Protocol, cast

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeGrant,
    InvalidGrantError,
    InvalidRequestError,
    RefreshTokenGrant,
    UnsupportedGrantTypeError,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from .state import Code

if TYPE_CHECKING:
    from authlib.oauth2 import OAuth2Request

    from .clients import Client
    from .state import Consent, State, Token


class Server(Protocol):
    """What these grants ask of the authorization server."""

    state: State


TokenResponse = tuple[int, str, list[tuple[str, str]]]


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant. Its "user" is a whole `Consent`."""

    server: Server

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Remember *code* with all that it is bound to."""
        parameters: Any = request.payload.data if request.payload else {}
        state = self.server.state
        state.add_code(
            Code(
                value=code,
                client_id=parameters["client_id"],
                redirect_uri=parameters["redirect_uri"],
                consent=cast("Consent", request.user),
                expires_at=time.monotonic() + state.code_lifetime,
                code_challenge=parameters.get("code_challenge"),
                code_challenge_method=parameters.get("code_challenge_method"),
            )
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:  # type: ignore[override]
        """Find *code*, without using it up: a mistake in the rest of the request may be mended."""
        return self.server.state.code(code, client.client_id)

    def create_token_response(self) -> TokenResponse:
        """Use up the code and issue a token.

        Authlib's own method deletes the code after it has issued the token, so that two requests
        at once get a token each, and it logs the token.
        """
        return _answer(self.server.state.redeem(cast("Code", self.request.authorization_code)))


class S256(CodeChallenge):
    """PKCE for those who send it, by the method S256 alone."""

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Refuse the method "plain", which is also what no method means (RFC 7636 section 4.3)."""
        super().validate_code_challenge(grant, redirect_uri)
        parameters: Any = grant.request.payload.data if grant.request.payload else {}
        if parameters.get("code_challenge") and parameters.get("code_challenge_method") != "S256":
            raise InvalidRequestError


class RefreshGrant(RefreshTokenGrant):
    """Refreshing (RFC 6749 section 6). AltDentifier does not document it: `State.refresh`.

    A refresh token is good once; the answer brings another, for the scope of the first.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS
    server: Server

    def validate_token_request(self) -> None:
        """Refuse all while it is switched off, as a grant type that does not exist."""
        if not self.server.state.refresh:
            raise UnsupportedGrantTypeError(self.GRANT_TYPE)
        super().validate_token_request()

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:  # type: ignore[override]
        """Find the token that *refresh_token* came with, without using it up."""
        return self.server.state.refresh_tokens.get(refresh_token)

    def create_token_response(self) -> TokenResponse:
        """Use up the refresh token and issue a token; for Authlib's own method see `CodeGrant`."""
        return _answer(self.server.state.renew(cast("Token", self.request.refresh_token)))


def _answer(token: Token | None) -> TokenResponse:
    """Return the documented answer. Raises `InvalidGrantError` where another was faster."""
    if token is None:
        raise InvalidGrantError
    body = {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
        "refresh_token": token.refresh_token,
        "scope": token.scope,
    }
    return 200, json.dumps(body), list(CodeGrant.TOKEN_RESPONSE_HEADER)
