"""The subject of a check: one app, its config, and whether it is in production."""

from __future__ import annotations

import os
from dataclasses import dataclass

from flask import Flask

from ..config import Config
from ..state import ExtensionState, find_state
from ..urls import is_loopback_url

#: Variables of platforms that start several machines and replace their disks. In this order:
#: Heroku, Google Cloud Run, Render, Fly, Railway, Azure, Kubernetes.
PLATFORM_VARIABLES = (
    "DYNO",
    "K_SERVICE",
    "RENDER",
    "FLY_APP_NAME",
    "RAILWAY_ENVIRONMENT_NAME",
    "WEBSITE_SITE_NAME",
    "KUBERNETES_SERVICE_HOST",
)


@dataclass(frozen=True)
class Subject:
    """One app to check."""

    app: Flask
    state: ExtensionState
    #: Whether the redirect URI is public, or `--production` was given.
    is_production: bool

    @classmethod
    def create(cls, app: Flask, *, production: bool) -> Subject | None:
        """Return the subject for *app*, or None if the blueprint is not registered in it."""
        state = find_state(app)
        if state is None:
            return None
        uri = state.config.redirect_uri
        is_public = uri is not None and not is_loopback_url(uri)
        return cls(app, state, production or is_public)

    @property
    def config(self) -> Config:
        """The validated `ALTDENTIFIER_*` config."""
        return self.state.config

    @property
    def uses_sandbox(self) -> bool:
        """Whether `ALTDENTIFIER_BASE_URL` is a sandbox on this machine."""
        return is_loopback_url(self.config.base_url)


def platform_variable() -> str | None:
    """Return the environment variable that identifies a hosting platform, or None."""
    return next((name for name in PLATFORM_VARIABLES if name in os.environ), None)
