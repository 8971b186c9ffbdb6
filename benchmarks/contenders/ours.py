"""flask-altdentifier."""

from __future__ import annotations

from flask import Flask

from flask_altdentifier import blueprint, requires_scope

from . import CLIENT_ID, CLIENT_SECRET


def install(app: Flask, provider: str) -> None:
    """Add the views."""
    app.config.update(
        ALTDENTIFIER_CLIENT_ID=CLIENT_ID,
        ALTDENTIFIER_CLIENT_SECRET=CLIENT_SECRET,
        ALTDENTIFIER_BASE_URL=provider,
    )
    app.register_blueprint(blueprint)

    @app.get("/protected")
    @requires_scope()
    def protected() -> str:
        return "protected"
