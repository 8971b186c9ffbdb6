"""Flask-Discord, with its provider's addresses changed: https://flask-discord.readthedocs.io/."""

from __future__ import annotations

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_discord import DiscordOAuth2Session, Unauthorized, configs, requires_authorization

from . import CLIENT_ID, CLIENT_SECRET, ORIGIN, SCOPE


def install(app: Flask, provider: str) -> None:
    """Add the views."""
    configs.DISCORD_AUTHORIZATION_BASE_URL = f"{provider}/oauth2/authorize"
    configs.DISCORD_TOKEN_URL = f"{provider}/oauth2/token"
    app.config.update(
        DISCORD_CLIENT_ID=CLIENT_ID,
        DISCORD_CLIENT_SECRET=CLIENT_SECRET,
        DISCORD_REDIRECT_URI=f"{ORIGIN}/callback",
    )
    discord = DiscordOAuth2Session(app)

    @app.get("/login")
    def login() -> ResponseReturnValue:
        answer: ResponseReturnValue = discord.create_session(scope=[SCOPE])
        return answer

    @app.get("/callback")
    def callback() -> ResponseReturnValue:
        discord.callback()
        return redirect("/")

    @app.errorhandler(Unauthorized)
    def unauthorized(_error: Exception) -> ResponseReturnValue:
        return redirect(url_for("login"))

    @app.get("/protected")
    @requires_authorization  # type: ignore[untyped-decorator]
    def protected() -> str:
        return "protected"
