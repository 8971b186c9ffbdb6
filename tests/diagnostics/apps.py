"""Apps to check."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup

from flask_altdentifier import blueprint
from flask_altdentifier.diagnostics import check_app
from flask_altdentifier.diagnostics.findings import Finding

from ..support import make_app

CLIENT_ID, CLIENT_SECRET = "8812403", "Zq7dT0vXc3lN2rKe"
CREDENTIALS = {"ALTDENTIFIER_CLIENT_ID": CLIENT_ID, "ALTDENTIFIER_CLIENT_SECRET": CLIENT_SECRET}
PUBLIC = "https://shop.example/callback"
LOCAL = "http://127.0.0.1:5000/callback"
SECURE = {"SESSION_COOKIE_SECURE": True}


class OwnStore(dict[str, str]):
    """A store of the app's own."""

    def set(self, key: str, value: str, ttl: float) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)

    def clear(self, prefix: str) -> int:  # type: ignore[override]
        return len(self)


def good_app(**config: Any) -> Flask:
    """Return an app without a problem, except for *config*."""
    return make_app(**CREDENTIALS | config)


def live_app(**config: Any) -> Flask:
    """Return an app without a problem that is in production, except for *config*."""
    defaults = {"TESTING": False, "ALTDENTIFIER_REDIRECT_URI": PUBLIC, **SECURE}
    return good_app(**defaults | {"ALTDENTIFIER_STORE": OwnStore()} | config)


def codes(app: Flask, *, offline: bool = True, production: bool = False) -> list[str]:
    return [found.code for found in check_app(app, offline=offline, production=production)]


def only(app: Flask, *, offline: bool = True, production: bool = False) -> Finding:
    """Return the only finding."""
    [found] = check_app(app, offline=offline, production=production)
    return found


def flask_command(*arguments: str) -> Result:
    """Run `flask` with our commands as from their entry point, which needs no app."""
    flask = FlaskGroup()
    flask.add_command(blueprint.cli, "altdentifier")
    return CliRunner().invoke(flask, arguments)
