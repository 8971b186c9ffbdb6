"""The values of the sandbox's links and forms, and the origin of forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from flask import current_app, request
from werkzeug.exceptions import BadRequest, Forbidden, NotFound

from .state import sandbox_state

if TYPE_CHECKING:
    from .clients import Client

Choice = TypeVar("Choice")


def get_client() -> Client:
    """Return the application that the URL names. Raises `NotFound` if there is none."""
    client = sandbox_state(current_app).clients.get(request.args.get("client_id", ""))
    if client is None:
        raise NotFound("There is no application with this client ID.")
    return client


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
