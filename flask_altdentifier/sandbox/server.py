"""OAuth 2.0 by Authlib's `AuthorizationServer`, with AltDentifier's answers."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_plus

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidScopeError
from flask import current_app

from .answers import json_error
from .grants import S256, CodeGrant, RefreshGrant
from .scopes import MEANINGS, scopes_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from authlib.oauth2 import OAuth2Error, OAuth2Request
    from flask import Flask, Response

    from .clients import Client
    from .state import State

#: Where an app keeps its `Server`: ``app.extensions[SERVER]``.
SERVER = "altdentifier_sandbox_server"


class Server(AuthorizationServer):
    """The authorization server of one sandbox; a further grant is one more `register_grant`."""

    def __init__(self, app: Flask, state: State) -> None:
        super().__init__(app, query_client=state.clients.get)
        self.state = state
        self.register_client_auth_method("client_secret_basic", authenticate_basic)
        self.register_grant(CodeGrant, [S256(required=False)])
        self.register_grant(RefreshGrant)

    def consent_grant(self) -> CodeGrant:
        """Return the grant that this request asks for, or raise `OAuth2Error`."""
        return cast("CodeGrant", self.get_consent_grant())  # type: ignore[no-untyped-call]

    def validate_requested_scope(self, scope: str | None) -> None:
        """Refuse unknown scopes, and no scope at all: no default is documented."""
        if not scope or not MEANINGS.keys() >= set(scopes_in(scope)):
            raise InvalidScopeError

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> Response:
        """Redirect back a denial; answer anything else as the token endpoint is documented to."""
        if error.redirect_uri:
            return cast("Response", super().handle_error_response(request, error))
        return json_error(401 if isinstance(error, InvalidClientError) else 400)


def authenticate_basic(
    query_client: Callable[[str], Client | None], request: OAuth2Request
) -> Client | None:
    """Return the client whose credentials are in the Authorization header, or None.

    Authlib's own function fails on a header that is no base64 of UTF-8, and knows only percent
    encoding, not a secret that is sent as it is and contains a percent sign.
    """
    header = (request.headers or {}).get("Authorization", "")
    for client_id, client_secret in basic_credentials(header):
        client = query_client(client_id)
        if client is not None and client.check_client_secret(client_secret):
            return client
    return None


def basic_credentials(header: str) -> Iterator[tuple[str, str]]:
    """Yield the user names and passwords that *header* may mean.

    Form-encoded ones come first (RFC 6749 section 2.3.1), those as they stand second.
    """
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return
    try:
        text = base64.b64decode(encoded.encode(), validate=True).decode()
    except (binascii.Error, UnicodeError):
        return
    name, _, password = text.partition(":")
    yield unquote_plus(name), unquote_plus(password)
    yield name, password


def authorization_server() -> Server:
    """Return the server of the sandbox that this request goes to."""
    return cast("Server", current_app.extensions[SERVER])
