"""The headers of every response."""

from __future__ import annotations

from flask import Response

#: Styles and scripts come only from files of this site.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def add_security_headers(response: Response) -> Response:
    """Forbid scripts and frames of other sites, and forbid caching.

    The function does not replace `Referrer-Policy` and `Cache-Control` of a view or the extension.
    """
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
