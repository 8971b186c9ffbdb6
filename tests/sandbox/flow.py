"""The steps of a login at the sandbox, as an app and a browser take them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

REDIRECT_URI = "http://localhost:5000/callback"


def authorize_url(**changes: str | None) -> str:
    """Return the authorize URL of the default client; a parameter changed to None is left out."""
    parameters = {
        "client_id": "sandbox",
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "read:user",
        "state": "a-state",
    }
    sent = {k: v for k, v in {**parameters, **changes}.items() if v is not None}
    return f"/oauth2/authorize?{urlencode(sent)}"


def allow(
    visitor: FlaskClient,
    *granted: str,
    form: Mapping[str, Any] | None = None,
    **changes: str | None,
) -> TestResponse:
    """Post the form of the authorize page with the button "Allow"."""
    data = {"decision": "allow", "granted": list(granted) or "read:user", **(form or {})}
    return visitor.post(authorize_url(**changes), data=data)


def query_of(response: TestResponse) -> dict[str, list[str]]:
    """Return the query of the redirect."""
    return parse_qs(urlsplit(response.headers["Location"]).query, keep_blank_values=True)


def code_of(response: TestResponse) -> str:
    """Return the code in the redirect."""
    return query_of(response)["code"][0]


def exchange(visitor: FlaskClient, code: str | None, **changes: str | None) -> TestResponse:
    """Send the token request for *code*, with the secret in the form."""
    parameters = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
    }
    sent = {k: v for k, v in {**parameters, **changes}.items() if v is not None}
    return visitor.post("/oauth2/token", data=sent)
