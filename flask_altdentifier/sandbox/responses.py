"""The error responses of the token endpoint and the API, and the responses of a chosen failure."""

from __future__ import annotations

import json
import time
from http import HTTPStatus

from flask import Response

from .failures import Failure

#: By status, as AltDentifier documents them for the token endpoint.
_MESSAGES = {
    400: "Cannot grant token",
    401: "Provided client credentials are incorrect",
}
_DOCUMENTED = {Failure.BAD_REQUEST: 400, Failure.UNAUTHORIZED: 401}
#: The status and `Retry-After` of failures whose response is an HTML page.
_HTML = {
    Failure.FORBIDDEN: (403, None),
    Failure.RATE_LIMITED: (429, "30"),
    Failure.SERVER_ERROR: (500, None),
    Failure.UNAVAILABLE: (503, "60"),
    Failure.GARBAGE: (200, None),
}


def make_error_response(status: int) -> Response:
    """Return the documented response with *status*, 400 or 401."""
    body = json.dumps({"error": _MESSAGES[status]})
    response = Response(body, status, mimetype="application/json")
    if status == 401:  # RFC 6749 section 5.2
        response.headers["WWW-Authenticate"] = 'Basic realm="AltDentifier sandbox"'
    return response


def make_failure_response(failure: Failure, slow_seconds: float) -> Response | None:
    """Return the response of *failure*, or None for the normal response.

    `Failure.SLOW` sleeps for *slow_seconds* first.
    """
    if failure is Failure.SLOW:
        time.sleep(slow_seconds)
    if failure in _DOCUMENTED:
        return make_error_response(_DOCUMENTED[failure])
    if failure in _HTML:
        return _make_html(*_HTML[failure])
    return None


def _make_html(status: int, retry_after: str | None) -> Response:
    title = HTTPStatus(status).phrase
    html = f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>Sandbox.</p>"
    response = Response(html, status)
    if retry_after is not None:
        response.headers["Retry-After"] = retry_after
    return response
