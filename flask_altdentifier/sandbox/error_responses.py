"""The error responses of the token endpoint, as AltDentifier documents them."""

from __future__ import annotations

import json

from flask import Response

_MESSAGES = {
    400: "Cannot grant token",
    401: "Provided client credentials are incorrect",
}


def make_error_response(status: int) -> Response:
    """Return the documented response with *status*, 400 or 401."""
    body = json.dumps({"error": _MESSAGES[status]})
    response = Response(body, status, mimetype="application/json")
    if status == 401:  # RFC 6749 section 5.2
        response.headers["WWW-Authenticate"] = 'Basic realm="AltDentifier sandbox"'
    return response
