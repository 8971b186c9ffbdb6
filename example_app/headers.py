"""The headers that every answer has."""

from __future__ import annotations

from flask import Response

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def harden(response: Response) -> Response:
    """Keep scripts and frames of other sites out, and pages out of caches.

    Each page tells whether somebody is logged in, so none is kept. What a view or the extension
    has set itself stays; static files come with a `Cache-Control` of their own.
    """
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
