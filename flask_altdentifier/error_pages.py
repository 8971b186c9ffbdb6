"""The response of an error: a page for a browser, `application/problem+json` for other clients."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from flask import Response, current_app, request
from werkzeug.http import parse_date

from .errors import AltDentifierError, StoreUnavailable
from .i18n import translate
from .navigation import current_path, wants_html
from .pages import render_page
from .scopes import DOCUMENTED_SCOPES, Scope
from .state import get_state
from .translatable import N_

#: Units of a wait: the seconds in one unit, the largest count, and the text.
_UNITS = (
    (1, 120, N_("You can try again in {count} seconds.")),
    (60, 120, N_("You can try again in {count} minutes.")),
    (3600, 48, N_("You can try again in {count} hours.")),
    (86400, 10**6, N_("You can try again in {count} days.")),
)


def error_response(error: AltDentifierError) -> Response:
    """Return the response of *error* in a format that the client accepts."""
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
    try:
        return _render(error)
    except StoreUnavailable:  # the app's layout read `current_grant`, which is falsy from now on
        return _render(error)


def _render(error: AltDentifierError) -> str:
    return render_page(
        "error.html",
        error.title,
        error=error,
        next_url=error.login_url or _retry_url(error),
        retry_after=_wait_text(getattr(error, "retry_after", None)),
        missing=_describe(getattr(error, "missing_scopes", [])),
    )


def _retry_url(error: AltDentifierError) -> str | None:
    """Return the URL to try again if a second attempt may succeed, else None."""
    if error.next_step != "retry" or request.method != "GET":
        return None
    return get_state().login_url(None) if _is_callback() else current_path(request)


def _is_callback() -> bool:
    """Return whether this is the callback, whose URL contains the code and the OAuth state."""
    return request.endpoint == f"{get_state().name}.callback"


def _wait_text(retry_after: str | None) -> str | None:
    """Return the waiting time in words. The number is at least two, so no text needs a singular."""
    seconds = _seconds(retry_after or "")
    for size, largest, text in _UNITS:
        if 0 < seconds <= size * largest:
            return translate(text, count=max(2, -(-seconds // size)))
    return None


def _seconds(retry_after: str) -> int:
    """Return the seconds of a `Retry-After` header: a number, or an HTTP date. 0 if invalid."""
    if retry_after.isdigit():
        return int(retry_after)
    date = parse_date(retry_after)
    return 0 if date is None else round(date.timestamp() - time.time())


def _describe(names: Iterable[str]) -> list[Scope]:
    """Return scopes with labels. The label of an undocumented scope is its name."""
    return [DOCUMENTED_SCOPES.get(name) or Scope(name, name, "") for name in names]
