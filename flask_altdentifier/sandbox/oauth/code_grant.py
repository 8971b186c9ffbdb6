"""The authorization code grant (RFC 6749 section 4.1) with PKCE (RFC 7636)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Protocol, cast

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeGrant,
    InvalidGrantError,
    InvalidRequestError,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from ..records import Code

if TYPE_CHECKING:
    from authlib.oauth2 import OAuth2Request

    from ..records import Consent, Token
    from ..state import SandboxState


class _Server(Protocol):
    state: SandboxState


class CodeGrant(AuthorizationCodeGrant):
    """The grant of the authorize page and the token endpoint.

    Authlib's `user` is a whole `Consent` here.
    """

    server: _Server

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Store *code* with the values of its authorization request."""
        parameters = _get_parameters(request)
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

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        """Return the code. It stays valid if the rest of the token request is refused."""
        return self.server.state.get_code(code, client.client_id)

    def create_token_response(self) -> tuple[int, str, list[tuple[str, str]]]:
        """Redeem the code.

        Authlib's own method deletes the code after it has issued the token, so two simultaneous
        requests would both get one. It also logs the token.
        """
        token = self.server.state.redeem_code(cast("Code", self.request.authorization_code))
        if token is None:
            raise InvalidGrantError("The code was used at the same time by another request.")
        return 200, json.dumps(_get_body(token)), list(self.TOKEN_RESPONSE_HEADER)


class RequireS256(CodeChallenge):
    """PKCE by S256, for clients that send a challenge."""

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Refuse "plain", which is also the default method (RFC 7636 section 4.3)."""
        super().validate_code_challenge(grant, redirect_uri)
        parameters = _get_parameters(grant.request)
        if parameters.get("code_challenge") and parameters.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The code_challenge_method is not S256.")


def _get_parameters(request: OAuth2Request) -> Any:
    return cast("Any", request.payload).data


def _get_body(token: Token) -> dict[str, str | int]:
    """Return the documented members of a token response."""
    return {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
        "refresh_token": token.refresh_token,
        "scope": token.scope,
    }
