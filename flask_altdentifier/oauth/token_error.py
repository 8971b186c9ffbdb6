"""Parses the error response of the token endpoint (RFC 6749 section 5.2)."""

from __future__ import annotations

import logging

from ..errors import (
    AltDentifierError,
    ClientCredentialsRejected,
    CodeRejected,
    ProviderError,
    ProviderUnavailable,
)
from ..http.response import ApiResponse
from ..http.retry_after import retry_after
from .authorization_response import AUTHORIZATION_ERRORS

logger: logging.Logger = logging.getLogger("flask_altdentifier")

#: Every error code of RFC 6749 sections 5.2 and 4.1.2.1, because some servers mix the two lists.
OAUTH_ERRORS = AUTHORIZATION_ERRORS | {"invalid_client", "invalid_grant", "unsupported_grant_type"}

_CREDENTIALS_ERRORS = {"invalid_client", "unauthorized_client"}


def read_oauth_error(response: ApiResponse) -> str | None:
    """Return the error code in the body if RFC 6749 defines it.

    Args:
        response: A response with any status, body and content type.

    Returns:
        The code, or None for any other body. AltDentifier's own texts, such as "Cannot grant
        token", are no error codes.

    Example::

        read_oauth_error(response) == "invalid_grant"
    """
    try:
        members = response.json()
    except ValueError:
        return None
    error = members.get("error") if isinstance(members, dict) else None
    return error if isinstance(error, str) and error in OAUTH_ERRORS else None


def token_error(response: ApiResponse) -> AltDentifierError:
    """Return the exception for an error response of the token endpoint.

    Logs an error if the client credentials were rejected.

    Args:
        response: A response with any status but 200.

    Returns:
        `ProviderUnavailable`, `CodeRejected`, `ClientCredentialsRejected` or `ProviderError`.

    Example::

        raise token_error(response)
    """
    status, code = response.status, read_oauth_error(response)
    if status in {429, 503}:
        return ProviderUnavailable(
            provider_status=status, oauth_error=code, retry_after=retry_after(response)
        )
    failure: type[CodeRejected | ClientCredentialsRejected | ProviderError] = ProviderError
    if 400 <= status < 500 and code == "invalid_grant":
        failure = CodeRejected
    elif status == 401 or (status == 400 and code in _CREDENTIALS_ERRORS):
        _log_credentials_rejected(status)
        failure = ClientCredentialsRejected
    elif status == 400:
        failure = CodeRejected
    return failure(provider_status=status, oauth_error=code)


def _log_credentials_rejected(status: int) -> None:
    logger.error(
        "AltDentifier rejected the client credentials (status %d). Fix: compare "
        "ALTDENTIFIER_CLIENT_ID and ALTDENTIFIER_CLIENT_SECRET with your application's page.",
        status,
    )
