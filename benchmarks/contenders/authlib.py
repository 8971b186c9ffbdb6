"""Authlib's own Flask client: https://docs.authlib.org/ (Flask OAuth client)."""

from __future__ import annotations

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session, url_for
from flask.typing import ResponseReturnValue

from . import CLIENT_ID, CLIENT_SECRET, SCOPE


def install(app: Flask, provider: str) -> None:
    """Add the views."""
    oauth = OAuth(app)
    oauth.register(  # type: ignore[no-untyped-call]
        name="altdentifier",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        access_token_url=f"{provider}/oauth2/token",
        authorize_url=f"{provider}/oauth2/authorize",
        api_base_url=provider,
        client_kwargs={"scope": SCOPE, "token_endpoint_auth_method": "client_secret_post"},
    )

    @app.get("/login")
    def login() -> ResponseReturnValue:
        redirect_uri = url_for("authorize", _external=True)
        answer: ResponseReturnValue = oauth.altdentifier.authorize_redirect(redirect_uri)
        return answer

    @app.get("/authorize")
    def authorize() -> ResponseReturnValue:
        session["token"] = oauth.altdentifier.authorize_access_token()
        return redirect("/")

    @app.get("/protected")
    def protected() -> ResponseReturnValue:
        if session.get("token") is None:
            return redirect(url_for("login"))
        return "protected"
