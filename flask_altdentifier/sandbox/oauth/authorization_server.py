"""Authlib's `AuthorizationServer` with AltDentifier's scopes and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, InvalidScopeError
from flask import current_app, g, request

from ...scopes import DOCUMENTED_SCOPE_NAMES
from ..responses import make_error_response
from ..state import sandbox_state
from .client_auth import authenticate_client_secret_basic
from .code_grant import CodeGrant, RequireS256

if TYPE_CHECKING:
    from authlib.oauth2 import OAuth2Request
    from flask import Flask, Response
    from werkzeug.datastructures import MultiDict

    from ..records import Consent
    from ..state import SandboxState

SERVER_KEY = "altdentifier_sandbox_server"


class SandboxServer(AuthorizationServer):
    """The authorization server of one sandbox."""

    def __init__(self, app: Flask) -> None:
        """Create the server of *app*, which has a `SandboxState`."""
        self.state: SandboxState = sandbox_state(app)
        super().__init__(app, query_client=self.state.clients.get)
        self.register_client_auth_method("client_secret_basic", authenticate_client_secret_basic)
        self.register_grant(CodeGrant, [RequireS256(required=False)])

    def get_code_grant(self) -> CodeGrant:
        """Validate this authorization request. Raises `OAuth2Error` if it is not valid."""
        _validate_parameters(request.args)
        get_grant: Any = self.get_consent_grant  # untyped
        return cast("CodeGrant", get_grant())

    def finish_consent(self, grant: CodeGrant, consent: Consent | None) -> Response:
        """Redirect to the application, with a code or with `error=access_denied`."""
        response = self.create_authorization_response(grant.request, consent, grant=grant)
        return cast("Response", response)

    def validate_requested_scope(self, scope: str | None) -> None:
        """Refuse unknown scopes. Refuse an empty scope too, because no default is documented."""
        if not scope or not DOCUMENTED_SCOPE_NAMES.issuperset(scope.split(" ")):
            raise InvalidScopeError

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> Response:
        """Redirect a denial. Otherwise return the token endpoint's documented response.

        `g.refusal` is the reason for the control page.
        """
        if error.redirect_uri:
            return cast("Response", super().handle_error_response(request, error))
        if isinstance(error, InvalidClientError):
            g.refusal = "The client ID or the client secret is wrong."
            return make_error_response(401)
        g.refusal = error.get_error_description()
        return make_error_response(400)


def authorization_server() -> SandboxServer:
    """Return the server of the current app."""
    return cast("SandboxServer", current_app.extensions[SERVER_KEY])


def _validate_parameters(query: MultiDict[str, str]) -> None:
    """Raise `OAuth2Error` if a parameter is repeated, or the response type is not `code`.

    Authlib checks only five parameters for repetition. Its UnsupportedResponseTypeError fails on a
    response type that is not ASCII.
    """
    if any(len(values) > 1 for _, values in query.lists()):
        raise InvalidRequestError("A parameter is repeated.")
    response_type = query.get("response_type")
    if not response_type:
        raise InvalidRequestError("The response_type is missing.")
    if response_type != "code":
        raise OAuth2Error(
            error="unsupported_response_type", description="The response_type is not code."
        )
