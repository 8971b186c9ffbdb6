"""Flask-Dance with a custom provider: https://flask-dance.readthedocs.io/ (Providers, Custom)."""

from __future__ import annotations

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_dance.consumer import OAuth2ConsumerBlueprint

from . import CLIENT_ID, CLIENT_SECRET, SCOPE


def install(app: Flask, provider: str) -> None:
    """Add the views."""
    blueprint = OAuth2ConsumerBlueprint(
        "altdentifier",
        __name__,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        base_url=provider,
        token_url=f"{provider}/oauth2/token",
        authorization_url=f"{provider}/oauth2/authorize",
        scope=[SCOPE],
    )
    app.register_blueprint(blueprint, url_prefix="/login")

    @app.get("/protected")
    def protected() -> ResponseReturnValue:
        if not blueprint.session.authorized:
            return redirect(url_for("altdentifier.login"))
        return "protected"
