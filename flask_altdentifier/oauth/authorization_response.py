"""Parses the authorization response of a callback (RFC 6749 sections 4.1.2 and 4.1.2.1)."""

from __future__ import annotations

import logging
import re
from typing import NoReturn
from urllib.parse import unquote_plus, unquote_to_bytes

from ..errors import (
    AccessDenied,
    AuthorizationRequestRejected,
    InvalidCallback,
    ProviderError,
    ProviderUnavailable,
)

logger: logging.Logger = logging.getLogger("flask_altdentifier")

#: Longest value of a parameter, in bytes, percent-encoded.
MAX_VALUE = 2048

#: The error codes that only the operator can fix, with the config keys to check.
OPERATOR_ERRORS = {
    "invalid_request": "ALTDENTIFIER_CLIENT_ID and ALTDENTIFIER_REDIRECT_URI",
    "unauthorized_client": "ALTDENTIFIER_CLIENT_ID",
    "unsupported_response_type": "ALTDENTIFIER_BASE_URL",
    "invalid_scope": "ALTDENTIFIER_SCOPE",
}
#: Every error code of RFC 6749 section 4.1.2.1.
AUTHORIZATION_ERRORS = frozenset(
    {"access_denied", "server_error", "temporarily_unavailable", *OPERATOR_ERRORS}
)

_READ = {"state", "code", "error"}
_ENCODED = re.compile(rb"(?:[!-$&-~]|%[0-9A-Fa-f]{2})*")
_PRINTABLE = re.compile(rb"[ -~]*")
_STATE = re.compile(r"[A-Za-z0-9_-]{43}")


class AuthorizationResponse:
    """The authorization response in the query of a callback.

    Only `state`, `code` and `error` are read. RFC 6749 section 4.1.2 requires clients to ignore
    unknown parameters, so anything else may be malformed or repeated.

    Args:
        raw_query: The raw query string, without `?`.

    Example::

        response = AuthorizationResponse(request.query_string)
        if response.state == expected_state:
            code = response.code
    """

    def __init__(self, raw_query: bytes) -> None:
        self._values: dict[str, list[bytes]] = {}
        for pair in raw_query.split(b"&"):
            name, _, value = pair.partition(b"=")
            decoded = unquote_plus(name.decode("latin-1"))
            if decoded in _READ:
                self._values.setdefault(decoded, []).append(value)

    @property
    def state(self) -> str:
        """The state: 43 base64url characters. Empty if it is missing, repeated or malformed."""
        try:
            state = self._single_value("state") or ""
        except InvalidCallback:
            return ""
        return state if _STATE.fullmatch(state) else ""

    @property
    def code(self) -> str:
        """The authorization code. Check the state first.

        Raises:
            AccessDenied: The user denied access.
            ProviderError: `error=server_error`.
            ProviderUnavailable: `error=temporarily_unavailable`.
            AuthorizationRequestRejected: Another error code of RFC 6749 section 4.1.2.1. It is
                logged as an error, because the app is misconfigured.
            InvalidCallback: The response has another `error`, both `code` and `error`, or neither.
                Or one of them is repeated, malformed, or longer than 2,048 bytes.
        """
        code, error = self._single_value("code"), self._single_value("error")
        if error is not None and code is None:
            _raise_error(error)
        if error is not None or not code:
            raise InvalidCallback
        return code

    def _single_value(self, name: str) -> str | None:
        values = self._values.get(name)
        if values is None:
            return None
        if len(values) > 1 or len(values[0]) > MAX_VALUE or not _ENCODED.fullmatch(values[0]):
            raise InvalidCallback
        value = unquote_to_bytes(values[0].replace(b"+", b" "))
        if not _PRINTABLE.fullmatch(value):
            raise InvalidCallback
        return value.decode()


def _raise_error(error: str) -> NoReturn:
    if error == "access_denied":
        raise AccessDenied(oauth_error=error)
    if error == "server_error":
        raise ProviderError(oauth_error=error)
    if error == "temporarily_unavailable":
        raise ProviderUnavailable(oauth_error=error)
    if error not in OPERATOR_ERRORS:
        raise InvalidCallback
    logger.error(
        "AltDentifier rejected the authorization request (%s). Fix: check %s.",
        error,
        OPERATOR_ERRORS[error],
    )
    raise AuthorizationRequestRejected(oauth_error=error)
