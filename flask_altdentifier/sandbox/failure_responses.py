"""The failure responses of the token endpoint and the API."""

from __future__ import annotations

import time
from typing import NamedTuple

from flask import Response

from .error_responses import make_error_response
from .failures import Failure


class _Html(NamedTuple):
    """A response in HTML, which the provider's API sends when it fails."""

    status: int
    title: str
    retry_after: str | None = None


_DOCUMENTED = {Failure.BAD_REQUEST: 400, Failure.UNAUTHORIZED: 401}

_HTML = {
    Failure.FORBIDDEN: _Html(403, "Forbidden"),
    Failure.RATE_LIMITED: _Html(429, "Too many requests", "30"),
    Failure.SERVER_ERROR: _Html(500, "Internal server error"),
    Failure.UNAVAILABLE: _Html(503, "Service unavailable", "60"),
    Failure.GARBAGE: _Html(200, "AltDentifier"),
}


def make_failure_response(failure: Failure, slow_seconds: float) -> Response | None:
    """Return the response of *failure*, or None for the normal response.

    `Failure.SLOW` sleeps for *slow_seconds* first.
    """
    if failure is Failure.SLOW:
        time.sleep(slow_seconds)
    if failure in _DOCUMENTED:
        return make_error_response(_DOCUMENTED[failure])
    if failure in _HTML:
        return _make_html(_HTML[failure])
    return None


def _make_html(page: _Html) -> Response:
    title = page.title
    html = f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1><p>Sandbox.</p>"
    response = Response(html, page.status)
    if page.retry_after is not None:
        response.headers["Retry-After"] = page.retry_after
    return response
