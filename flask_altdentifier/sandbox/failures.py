"""The switch for each way in which AltDentifier can fail."""

from __future__ import annotations

import time
from enum import Enum

from flask import Response

from .answers import json_error


class Failure(Enum):
    """What the sandbox does in place of its work, until it is set to something else."""

    NONE = "none"
    BAD_REQUEST = "bad-request"
    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"
    GARBAGE = "garbage"
    AUTHORIZE_ERROR = "authorize-error"

    @property
    def meaning(self) -> str:
        """One line that says what happens."""
        return _MEANINGS[self]


_MEANINGS = {
    Failure.NONE: "No failure: everything works.",
    Failure.BAD_REQUEST: "The token endpoint answers 400, as for a used code.",
    Failure.UNAUTHORIZED: "The token endpoint and the API answer 401: wrong secret or token.",
    Failure.RATE_LIMITED: "The token endpoint and the API answer 429 with Retry-After: 30.",
    Failure.SERVER_ERROR: "The token endpoint and the API answer 500.",
    Failure.UNAVAILABLE: "The token endpoint and the API answer 503 with Retry-After: 60.",
    Failure.SLOW: "The token endpoint and the API take very long, then answer as usual.",
    Failure.GARBAGE: "The token endpoint and the API answer 200 with HTML in place of JSON.",
    Failure.AUTHORIZE_ERROR: "The authorize page answers 500.",
}

_RETRY_AFTER = {429: "30", 503: "60"}


def answer_of(failure: Failure, slow_seconds: float) -> Response | None:
    """Return what *failure* puts in place of the real answer, or None where it leaves that alone.

    `Failure.SLOW` sleeps here for *slow_seconds*.
    """
    match failure:
        case Failure.BAD_REQUEST:
            return json_error(400)
        case Failure.UNAUTHORIZED:
            return json_error(401)
        case Failure.RATE_LIMITED:
            return _html(429, "Too many requests")
        case Failure.SERVER_ERROR:
            return _html(500, "Internal server error")
        case Failure.UNAVAILABLE:
            return _html(503, "Service unavailable")
        case Failure.GARBAGE:
            return _html(200, "AltDentifier")
        case Failure.SLOW:
            time.sleep(slow_seconds)
    return None


def _html(status: int, title: str) -> Response:
    """Answer in HTML, as the provider's API is known to do when it fails."""
    page = f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>Sandbox.</p>"
    response = Response(page, status)
    if status in _RETRY_AFTER:
        response.headers["Retry-After"] = _RETRY_AFTER[status]
    return response
