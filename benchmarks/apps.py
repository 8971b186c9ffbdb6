"""The app in which each contender is tried: the same for all but for the contender itself."""

from __future__ import annotations

import logging
from typing import Any

from cachelib import SimpleCache
from flask import Flask, session
from flask_session import Session

from .contenders import CLIENT_SECRET, Contender

# What is logged goes nowhere, which takes the same time for all.
logging.getLogger().addHandler(logging.NullHandler())


def in_memory() -> dict[str, Any]:
    """Return a config that keeps sessions in this process."""
    return {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": SimpleCache(threshold=100_000)}


def in_redis(client: Any) -> dict[str, Any]:
    """Return a config that keeps sessions in Redis."""
    return {"SESSION_TYPE": "redis", "SESSION_REDIS": client}


def build(contender: Contender, provider: str, config: dict[str, Any]) -> Flask:
    """Return an app with the contender, a public view, and one that keeps something in the session.

    `/protected` comes from the contender.
    """
    app = Flask(__name__)
    app.config.update(config, SECRET_KEY=CLIENT_SECRET)
    Session(app)
    contender.install(app, provider)

    @app.get("/public")
    def public() -> str:
        return "public"

    @app.get("/keep")
    def keep() -> str:
        session["theme"] = "dark"
        return "kept"

    return app
