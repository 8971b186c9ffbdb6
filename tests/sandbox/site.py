"""A sandbox in memory, and the steps of the authorization code flow in it."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.test import TestResponse

from flask_altdentifier.sandbox import create_app, sandbox_state

REDIRECT_URI = "http://localhost:5000/callback"
BOTH = "read:user write:integrations"
LINK = "/oauth2/authorize?client_id=sandbox&scope=write:integrations"
ADA = "100000000000000001"
GRACE = "200000000000000002"
GARDEN = "400000000000000002"


def _merge(defaults: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in {**defaults, **changes}.items() if v is not None}


def authorize_url(**changes: Any) -> str:
    """Return an authorize URL. A change to None removes a parameter, a list repeats it."""
    defaults = {
        "client_id": "sandbox",
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "read:user",
        "state": "a-state",
    }
    return f"/oauth2/authorize?{urlencode(_merge(defaults, changes), doseq=True)}"


def query_of(response: TestResponse) -> dict[str, str]:
    assert response.status_code == 302
    assert response.location.startswith(REDIRECT_URI)
    return dict(parse_qsl(urlsplit(response.location).query, keep_blank_values=True))


def basic(client_id: str, client_secret: str) -> str:
    return f"Basic {base64.b64encode(f'{client_id}:{client_secret}'.encode()).decode()}"


class Site:
    """A sandbox, its state, and a client that is browser and application."""

    def __init__(self, clients: Any = None) -> None:
        self.app = create_app(clients, config={"TESTING": True})
        self.state = sandbox_state(self.app)
        self.get = self.app.test_client().get
        self.post = self.app.test_client().post

    def allow(self, form: dict[str, Any] | None = None, **changes: Any) -> TestResponse:
        """Submit the authorize page with "Authorize"."""
        data = {"decision": "allow", "granted": BOTH.split(), **(form or {})}
        return self.post(authorize_url(**changes), data=data)

    def get_code(self, **changes: Any) -> str:
        """Return a new authorization code."""
        return query_of(self.allow(**changes))["code"]

    def exchange(
        self, code: str | None, authorization: str | None = None, **changes: Any
    ) -> TestResponse:
        """Send a token request, with the secret in the body unless *authorization* is given."""
        defaults = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        if authorization is None:
            defaults |= {"client_id": "sandbox", "client_secret": "sandbox-secret"}
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.post("/oauth2/token", data=_merge(defaults, changes), headers=headers)

    def get_trust_factor(self, **headers: str) -> TestResponse:
        """Ask for ada's trust factor."""
        return self.get(f"/api/v2/user/{ADA}/trustfactor", headers=headers)

    def read(self, path: str) -> str:
        """Return the text of a page, without tags."""
        return " ".join(re.sub(r"<[^>]*>", " ", self.get(path).text).split())
