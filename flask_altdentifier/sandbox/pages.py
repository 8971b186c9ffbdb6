"""Renders the sandbox's pages, and adds headers to all its responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, make_response, render_template

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException


def render_page(template: str, *, form_action: str = "'self'", **values: object) -> Response:
    """Render *template*.

    *form_action* is the CSP source of all URLs that the page's form redirects to. Chromium applies
    it to each redirect after a form, also to those of the application.
    """
    response = make_response(render_template(f"altdentifier_sandbox/{template}", **values))
    response.headers["Content-Security-Policy"] = _make_policy(form_action)
    return response


def render_error(error: HTTPException) -> Response:
    """Render an HTTP error as a page, with the error's own headers."""
    response = make_response(error)
    page = "altdentifier_sandbox/error.html"
    response.set_data(render_template(page, title=error.name, text=error.description))
    return response


def add_security_headers(response: Response) -> Response:
    """Forbid caches and frames, and hide the URL from other sites."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _make_policy("'self'"))
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Frame-Options"] = "DENY"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    return response


def _make_policy(form_action: str) -> str:
    return (
        f"default-src 'none'; style-src 'self'; form-action {form_action}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
