"""Other people's OAuth clients, used as their documentation says."""
# mypy: disable-error-code="import-not-found,import-untyped,no-untyped-call"

from __future__ import annotations

import json
import subprocess
from abc import ABC, abstractmethod
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask
from flask_dance.consumer import OAuth2ConsumerBlueprint, oauth_authorized, oauth_error
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

from .browser import REDIRECT_URI
from .node import node_command

CLIENT_ID = "the-client"


class Refused(Exception):
    """The client has reported an OAuth error: its code."""


class Client(ABC):
    """One login of one client."""

    def __init__(self, origin: str, secret: str, scope: str, *, pkce: bool) -> None:
        self.authorize_url, self.token_url = f"{origin}/oauth2/authorize", f"{origin}/oauth2/token"
        self.origin, self.secret, self.scope, self.pkce = origin, secret, scope, pkce
        self.method = "S256" if pkce else None

    @abstractmethod
    def start(self) -> str:
        """Return the URL of the authorization request."""

    @abstractmethod
    def finish(self, url: str) -> str:
        """Follow the redirect that leads back. Return the granted scope, or raise `Refused`."""

    def close(self) -> None:  # noqa: B027
        """End what the client started, if anything."""


def _flask_app() -> Flask:
    app = Flask("interop")
    app.testing, app.secret_key = True, "not-a-real-secret"
    return app


class Authlib(Client):
    """Authlib's `flask_client`."""

    def start(self) -> str:
        app = _flask_app()
        provider = OAuth(app).register(
            "altdentifier",
            client_id=CLIENT_ID,
            client_secret=self.secret,
            authorize_url=self.authorize_url,
            access_token_url=self.token_url,
            client_kwargs={"scope": self.scope, "code_challenge_method": self.method},
        )
        app.add_url_rule("/login", "login", lambda: provider.authorize_redirect(REDIRECT_URI))
        app.add_url_rule("/callback", "callback", provider.authorize_access_token)
        self.client = app.test_client()
        return str(self.client.get("/login").location)

    def finish(self, url: str) -> str:
        try:
            return str(self.client.get(url).get_json()["scope"])
        except OAuthError as error:
            raise Refused(error.error) from error


class FlaskDance(Client):
    """Flask-Dance."""

    def start(self) -> str:
        app = _flask_app()
        self.blueprint = OAuth2ConsumerBlueprint(
            "altdentifier",
            __name__,
            client_id=CLIENT_ID,
            client_secret=self.secret,
            scope=self.scope.split(),
            authorization_url=self.authorize_url,
            token_url=self.token_url,
            code_challenge_method=self.method,
            login_url="/login",
            authorized_url="/callback",
        )
        app.register_blueprint(self.blueprint)
        self.client = app.test_client()
        return str(self.client.get("/login").location)

    def finish(self, url: str) -> str:
        reports: list[Any] = []

        def note_token(sender: Any, token: dict[str, Any]) -> None:
            reports.append(token["scope"])

        def note_error(sender: Any, error: str, **_: Any) -> None:
            reports.append(Refused(error))

        with (
            oauth_authorized.connected_to(note_token, self.blueprint),
            oauth_error.connected_to(note_error, self.blueprint),
        ):
            try:
                self.client.get(url)
            except OAuth2Error as error:
                raise Refused(error.error) from error
        if isinstance(reports[0], Refused):
            raise reports[0]
        return " ".join(reports[0])


class RequestsOAuthlib(Client):
    """requests-oauthlib."""

    def start(self) -> str:
        scope = self.scope.split()
        self.session = OAuth2Session(
            CLIENT_ID, redirect_uri=REDIRECT_URI, scope=scope, pkce=self.method
        )
        return str(self.session.authorization_url(self.authorize_url)[0])

    def finish(self, url: str) -> str:
        try:
            token = self.session.fetch_token(
                self.token_url, authorization_response=url, client_secret=self.secret
            )
        except OAuth2Error as error:
            raise Refused(error.error) from error
        return " ".join(token["scope"])

    def close(self) -> None:
        self.session.close()


class OpenIDClient(Client):
    """node's openid-client, in a process for each login."""

    def start(self) -> str:
        command = [*node_command("openid_client.mjs"), self.origin, self.secret, self.scope]
        self.process = subprocess.Popen(
            command + ["pkce"] * self.pkce,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def finish(self, url: str) -> str:
        output, _ = self.process.communicate(f"{url}\n", timeout=30)
        result = json.loads(output)
        if "error" in result:
            raise Refused(result["error"])
        return str(result["scope"])

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


CLIENTS = [Authlib, FlaskDance, RequestsOAuthlib, OpenIDClient]
