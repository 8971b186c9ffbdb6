"""Flask-Login, which guards views but speaks with no provider: https://flask-login.readthedocs.io/."""

from __future__ import annotations

import secrets

from flask import Flask, redirect
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, login_required, login_user


class User(UserMixin):  # type: ignore[misc]
    """Who is logged in; there is no database to ask."""

    def __init__(self, user_id: str) -> None:
        self.id = user_id


def install(app: Flask, _provider: str) -> None:
    """Add the views."""
    manager = LoginManager(app)
    manager.login_view = "login"
    manager.user_loader(User)

    @app.get("/login")
    def login() -> ResponseReturnValue:
        login_user(User(secrets.token_hex(8)))
        return redirect("/")

    @app.get("/protected")
    @login_required  # type: ignore[untyped-decorator]
    def protected() -> str:
        return "protected"
