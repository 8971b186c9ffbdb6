"""The failures that the sandbox can simulate, the one list for its page and the docs.

`responses` has their responses.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, NoReturn


class _Text(NamedTuple):
    group: str
    title: str
    detail: str
    reason: str = ""


class Failure(Enum):
    """A failure that the sandbox simulates.

    The members `REDIRECT_*` redirect the browser with an `error` of RFC 6749 section 4.1.2.1.

    Example::

        sandbox_state(app).failure = Failure.SLOW
    """

    NONE = "none"
    BAD_REQUEST = "bad-request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"
    GARBAGE = "garbage"
    AUTHORIZE_ERROR = "authorize-error"
    REDIRECT_ACCESS_DENIED = "error=access_denied"
    REDIRECT_INVALID_REQUEST = "error=invalid_request"
    REDIRECT_UNAUTHORIZED_CLIENT = "error=unauthorized_client"
    REDIRECT_UNSUPPORTED_RESPONSE_TYPE = "error=unsupported_response_type"
    REDIRECT_INVALID_SCOPE = "error=invalid_scope"
    REDIRECT_SERVER_ERROR = "error=server_error"
    REDIRECT_TEMPORARILY_UNAVAILABLE = "error=temporarily_unavailable"

    @property
    def redirect_error(self) -> str | None:
        """The `error` in the authorization response, or None."""
        prefix, _, code = self.value.partition("=")
        return code if prefix == "error" and code else None

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"{value!r} is not a failure. Use a member, such as Failure.SLOW.")

    @property
    def group(self) -> str:
        """The part of the sandbox that fails."""
        return _TEXTS[self].group

    @property
    def title(self) -> str:
        """A few words for this failure."""
        return _TEXTS[self].title

    @property
    def detail(self) -> str:
        """One sentence about the failure."""
        return _TEXTS[self].detail

    @property
    def reason(self) -> str:
        """The `reason` of the app's error, or an empty string if the visitor does not come back."""
        return _TEXTS[self].reason


_ENDPOINTS = "The token endpoint and the API"
_PAGE = "The authorize page"
_REDIRECT = "The redirect to your application"
_REJECTED = "authorization_request_rejected"

_TEXTS = {
    Failure.NONE: _Text("", "No failure", "Everything works."),
    Failure.BAD_REQUEST: _Text(
        _ENDPOINTS,
        "400 Bad Request",
        "The code is refused. Token endpoint only.",
        "code_rejected",
    ),
    Failure.UNAUTHORIZED: _Text(
        _ENDPOINTS,
        "401 Unauthorized",
        "The client secret or the access token is refused.",
        "client_credentials_rejected",
    ),
    Failure.FORBIDDEN: _Text(
        _ENDPOINTS,
        "403 Forbidden",
        "The request is blocked, as by a bot filter.",
        "provider_error",
    ),
    Failure.RATE_LIMITED: _Text(
        _ENDPOINTS,
        "429 Too Many Requests",
        "With Retry-After: 30 seconds.",
        "provider_unavailable",
    ),
    Failure.SERVER_ERROR: _Text(
        _ENDPOINTS, "500 Internal Server Error", "With an HTML page.", "provider_error"
    ),
    Failure.UNAVAILABLE: _Text(
        _ENDPOINTS,
        "503 Service Unavailable",
        "With Retry-After: 60 seconds.",
        "provider_unavailable",
    ),
    Failure.SLOW: _Text(
        _ENDPOINTS,
        "Slow",
        "The response is correct, but takes about 15 seconds.",
        "provider_timeout",
    ),
    Failure.GARBAGE: _Text(
        _ENDPOINTS, "Garbage", "Status 200 with an HTML page instead of JSON.", "provider_error"
    ),
    Failure.AUTHORIZE_ERROR: _Text(
        _PAGE, "500 instead of the page", "The visitor does not return to the app."
    ),
    Failure.REDIRECT_ACCESS_DENIED: _Text(
        _REDIRECT, "access_denied", "The user denied access.", "access_denied"
    ),
    Failure.REDIRECT_INVALID_REQUEST: _Text(
        _REDIRECT, "invalid_request", "A parameter is missing or malformed.", _REJECTED
    ),
    Failure.REDIRECT_UNAUTHORIZED_CLIENT: _Text(
        _REDIRECT,
        "unauthorized_client",
        "The application is not allowed to request a code.",
        _REJECTED,
    ),
    Failure.REDIRECT_UNSUPPORTED_RESPONSE_TYPE: _Text(
        _REDIRECT, "unsupported_response_type", "The response type is not “code”.", _REJECTED
    ),
    Failure.REDIRECT_INVALID_SCOPE: _Text(
        _REDIRECT, "invalid_scope", "A scope is unknown or malformed.", _REJECTED
    ),
    Failure.REDIRECT_SERVER_ERROR: _Text(
        _REDIRECT, "server_error", "AltDentifier failed unexpectedly.", "provider_error"
    ),
    Failure.REDIRECT_TEMPORARILY_UNAVAILABLE: _Text(
        _REDIRECT,
        "temporarily_unavailable",
        "AltDentifier is overloaded or in maintenance.",
        "provider_unavailable",
    ),
}
