"""The bodies of the token endpoint's errors, as AltDentifier documents them."""

from __future__ import annotations

import json

from flask import Response

_BODIES = {
    400: {"error": "Cannot grant token"},
    401: {"error": "Provided client credentials are incorrect"},
}


def json_error(status: int) -> Response:
    """Return the documented answer with *status*, which is 400 or 401."""
    response = Response(json.dumps(_BODIES[status]), status, mimetype="application/json")
    if status == 401:  # RFC 6749 section 5.2
        response.headers["WWW-Authenticate"] = 'Basic realm="AltDentifier sandbox"'
    return response
