"""The response of an error: a page for a browser, `application/problem+json` for other clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import current_app, render_template, request

from .i18n import page_language, translate
from .navigation import current_path, wants_html, with_script_root

if TYPE_CHECKING:
    from flask import Response

    from .errors import AltDentifierError


def error_response(error: AltDentifierError) -> Response:
    """Return the response of *error* for the client that sent this request."""
    is_page = error.has_page and wants_html(request)
    headers = {
        "Content-Type": "text/html; charset=utf-8" if is_page else "application/problem+json",
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Language",
        **dict(error.extra_headers()),
    }
    body = _page(error) if is_page else json.dumps(error.problem())
    return current_app.response_class(body, status=error.code, headers=headers)


def _page(error: AltDentifierError) -> str:
    return render_template(
        "altdentifier/error.html",
        error=error,
        language=page_language(),
        translate=translate,
        **_next_step(error),
    )


def _next_step(error: AltDentifierError) -> dict[str, Any]:
    """Return what the page offers. Every name has a value, so `StrictUndefined` works too."""
    next_url = error.login_url
    if next_url is None and error.next_step == "retry" and request.method == "GET":
        next_url = current_path(request)
    retry_after = getattr(error, "retry_after", None)
    return {
        "next_url": next_url,
        "home_url": with_script_root(request, "/"),
        "retry_after": int(retry_after) if (retry_after or "").isdigit() else None,
        "missing_scopes": getattr(error, "missing_scopes", []),
    }
