"""What the sandbox's pages have in common: how they are rendered, guarded and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from authlib.oauth2.rfc6749 import InvalidScopeError
from flask import Response, make_response, render_template, request
from werkzeug.exceptions import BadRequest, Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from authlib.oauth2 import OAuth2Error
    from werkzeug.exceptions import HTTPException

Choice = TypeVar("Choice")


def page(template: str, *, status: int = 200, leads_to: str = "", **values: object) -> Response:
    """Render *template*; *leads_to* is where its form may redirect, as a CSP source.

    Chromium applies `form-action` to the redirects that follow a form too.
    """
    response = make_response(render_template(f"altdentifier_sandbox/{template}", **values), status)
    response.headers["Content-Security-Policy"] = _policy(leads_to)
    return response


def harden(response: Response) -> Response:
    """Keep the answer out of caches, frames and other sites."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _policy(""))
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Frame-Options"] = "DENY"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    return response


def _policy(leads_to: str) -> str:
    form_action = f"'self' {leads_to}".rstrip()
    return (
        f"default-src 'none'; style-src 'self'; form-action {form_action}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def refuse_other_origins() -> None:
    """Raise `Forbidden` for a form that a page of another origin has sent."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is None:
        foreign = origin is not None and origin != request.host_url.rstrip("/")
    else:
        foreign = site not in {"same-origin", "none"}
    if foreign:
        raise Forbidden("This form was sent by a page of another site.")


def chosen(form: Mapping[str, str], field: str, choices: Mapping[str, Choice]) -> Choice:
    """Return the one of *choices* that a form field names; the first where it is not sent.

    Raises `BadRequest` for another.
    """
    given = form.get(field)
    if given is None:
        return next(iter(choices.values()))
    if given not in choices:
        raise BadRequest("The form names something that the sandbox does not know.")
    return choices[given]


def problem(error: HTTPException) -> Response:
    """Render an error as a page, with the headers that belong to it."""
    response = page(
        "problem.html", status=error.code or 500, title=error.name, text=error.description
    )
    for name, value in error.get_headers():
        response.headers.setdefault(name, value)
    return response


def oauth_problem(error: OAuth2Error) -> Response:
    """Render what Authlib finds wrong with an authorization request."""
    if isinstance(error, InvalidScopeError):
        return problem(BadRequest("The scope is missing or holds one that does not exist."))
    return problem(BadRequest("The request of the application is not in order."))
