"""Other people's OAuth clients, used as their documentation says."""
# mypy: disable-error-code="import-not-found,import-untyped,no-untyped-call"

from __future__ import annotations

import json
import subprocess
from abc import ABC, abstractmethod

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask
from flask_dance.consumer import OAuth2ConsumerBlueprint, oauth_error
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
        self.app = Flask("interop")
        self.app.testing, self.app.secret_key = True, "not-a-real-secret"
        self.browser = self.app.test_client()

    @abstractmethod
    def start(self) -> str:
        """Return the URL of the authorization request."""

    @abstractmethod
    def finish(self, url: str) -> str:
        """Follow the redirect that leads back. Return the granted scope, or raise `Refused`."""

    def close(self) -> None:  # noqa: B027
        """End what the client started, if anything."""


class Authlib(Client):
    """Authlib's `flask_client`."""

    def start(self) -> str:
        method = "S256" if self.pkce else None
        provider = OAuth(self.app).register(
            "altdentifier",
            client_id=CLIENT_ID,
            client_secret=self.secret,
            authorize_url=self.authorize_url,
            access_token_url=self.token_url,
            client_kwargs={"scope": self.scope, "code_challenge_method": method},
        )
        self.app.add_url_rule("/login", "login", lambda: provider.authorize_redirect(REDIRECT_URI))
        self.app.add_url_rule("/callback", "callback", provider.authorize_access_token)
        return str(self.browser.get("/login").location)

    def finish(self, url: str) -> str:
        try:
            return str(self.browser.get(url).get_json()["scope"])
        except OAuthError as error:
            raise Refused(error.error) from error


class FlaskDance(Client):
    """Flask-Dance."""

    def start(self) -> str:
        self.blueprint = OAuth2ConsumerBlueprint(
            "altdentifier",
            __name__,
            client_id=CLIENT_ID,
            client_secret=self.secret,
            scope=self.scope.split(),
            authorization_url=self.authorize_url,
            token_url=self.token_url,
            use_pkce=self.pkce,
            login_url="/login",
            authorized_url="/callback",
        )
        oauth_error.connect(self._refuse, self.blueprint)
        self.app.register_blueprint(self.blueprint)
        return str(self.browser.get("/login").location)

    def _refuse(self, _: OAuth2ConsumerBlueprint, error: str, **__: str) -> None:
        raise Refused(error)

    def finish(self, url: str) -> str:
        try:
            self.browser.get(url)
        except OAuth2Error as error:
            raise Refused(error.error) from error
        with self.browser.session_transaction() as session:
            return " ".join(session["altdentifier_oauth_token"]["scope"])


class RequestsOAuthlib(Client):
    """requests-oauthlib."""

    def start(self) -> str:
        scope, pkce = self.scope.split(), "S256" if self.pkce else None
        self.session = OAuth2Session(CLIENT_ID, redirect_uri=REDIRECT_URI, scope=scope, pkce=pkce)
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

    process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        command = [*node_command("openid_client.mjs"), self.origin, self.secret, self.scope]
        command += ["pkce"] * self.pkce
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def finish(self, url: str) -> str:
        assert self.process
        result = json.loads(self.process.communicate(f"{url}\n", timeout=30)[0])
        if "error" in result:
            raise Refused(result["error"])
        return str(result["scope"])

    def close(self) -> None:
        if self.process:  # none if the test was skipped
            self.process.kill()
            self.process.communicate()


CLIENTS = [Authlib, FlaskDance, RequestsOAuthlib, OpenIDClient]
