"""The forms of the sandbox's pages: their origin and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from flask import request
from werkzeug.exceptions import BadRequest, Forbidden

Choice = TypeVar("Choice")


def refuse_cross_origin() -> None:
    """Raise `Forbidden` if a page of another origin submitted this form.

    The sandbox has no sessions for a CSRF token, so it compares origins. A request with neither
    header does not come from a browser.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is None:
        is_cross_origin = origin not in {None, request.host_url.rstrip("/")}
    else:
        is_cross_origin = site not in {"same-origin", "none"}
    if is_cross_origin:
        raise Forbidden("A page of another site submitted this form.")


def get_choice(form: Mapping[str, str], field: str, choices: Mapping[str, Choice]) -> Choice:
    """Return the choice that a form field names, or the first one if the field is missing.

    Raises `BadRequest` if the field has another value.
    """
    name = form.get(field)
    if name is None:
        return next(iter(choices.values()))
    if name not in choices:
        raise BadRequest(f"The form has an unknown value for {field}.")
    return choices[name]
