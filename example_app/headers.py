"""The headers of every response."""

from __future__ import annotations

from flask import Response

#: Styles and scripts come from this site only, and none from within a page.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def add_security_headers(response: Response) -> Response:
    """Keep out scripts and frames of other sites, and keep pages out of caches.

    Headers that a view or the extension has set stay as they are.
    """
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
