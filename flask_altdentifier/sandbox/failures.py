"""The failures that the sandbox can simulate, the one list for its page and the docs.

`responses` has their responses.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NoReturn

_REJECTED = "authorization_request_rejected"


def _endpoint(value: str, title: str, detail: str, reason: str) -> tuple[str, ...]:
    return value, "The token endpoint and the API", title, detail, reason


def _redirect(error: str, detail: str, reason: str) -> tuple[str, ...]:
    return f"error={error}", "The redirect to your application", error, detail, reason


class Failure(Enum):
    """A failure that the sandbox simulates.

    The members `REDIRECT_*` redirect the browser with an `error` of RFC 6749 section 4.1.2.1.

    Example::

        sandbox_state(app).failure = Failure.SLOW
    """

    _value_: str
    #: The part of the sandbox that fails.
    group: str
    #: A few words for this failure.
    title: str
    #: One sentence about the failure.
    detail: str
    #: The `reason` of the app's error, or an empty string if the visitor does not come back.
    reason: str

    NONE = "none", "", "No failure", "Everything works.", ""
    BAD_REQUEST = _endpoint(
        "bad-request",
        "400 Bad Request",
        "The code is refused. Token endpoint only.",
        "code_rejected",
    )
    UNAUTHORIZED = _endpoint(
        "unauthorized",
        "401 Unauthorized",
        "The client secret or the access token is refused.",
        "client_credentials_rejected",
    )
    FORBIDDEN = _endpoint(
        "forbidden",
        "403 Forbidden",
        "The request is blocked, as by a bot filter.",
        "provider_error",
    )
    RATE_LIMITED = _endpoint(
        "rate-limited",
        "429 Too Many Requests",
        "With Retry-After: 30 seconds.",
        "provider_unavailable",
    )
    SERVER_ERROR = _endpoint(
        "server-error", "500 Internal Server Error", "With an HTML page.", "provider_error"
    )
    UNAVAILABLE = _endpoint(
        "unavailable",
        "503 Service Unavailable",
        "With Retry-After: 60 seconds.",
        "provider_unavailable",
    )
    SLOW = _endpoint(
        "slow", "Slow", "The response is correct, but takes about 15 seconds.", "provider_timeout"
    )
    GARBAGE = _endpoint(
        "garbage", "Garbage", "Status 200 with an HTML page instead of JSON.", "provider_error"
    )
    AUTHORIZE_ERROR = (
        "authorize-error",
        "The authorize page",
        "500 instead of the page",
        "The visitor does not return to the app.",
        "",
    )
    REDIRECT_ACCESS_DENIED = _redirect("access_denied", "The user denied access.", "access_denied")
    REDIRECT_INVALID_REQUEST = _redirect(
        "invalid_request", "A parameter is missing or malformed.", _REJECTED
    )
    REDIRECT_UNAUTHORIZED_CLIENT = _redirect(
        "unauthorized_client", "The application is not allowed to request a code.", _REJECTED
    )
    REDIRECT_UNSUPPORTED_RESPONSE_TYPE = _redirect(
        "unsupported_response_type", "The response type is not “code”.", _REJECTED
    )
    REDIRECT_INVALID_SCOPE = _redirect(
        "invalid_scope", "A scope is unknown or malformed.", _REJECTED
    )
    REDIRECT_SERVER_ERROR = _redirect(
        "server_error", "AltDentifier failed unexpectedly.", "provider_error"
    )
    REDIRECT_TEMPORARILY_UNAVAILABLE = _redirect(
        "temporarily_unavailable",
        "AltDentifier is overloaded or in maintenance.",
        "provider_unavailable",
    )

    def __new__(cls, value: Any, *texts: str) -> Failure:  # noqa: PYI034 -- it has no subclasses
        """Create a member. Type checkers apply this to lookups too: `Failure("slow")`."""
        member = object.__new__(cls)
        member._value_ = value
        member.group, member.title, member.detail, member.reason = texts
        return member

    @property
    def redirect_error(self) -> str | None:
        """The `error` in the authorization response, or None."""
        prefix, _, code = self.value.partition("=")
        return code if prefix == "error" and code else None

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"{value!r} is not a failure. Use a member, such as Failure.SLOW.")
