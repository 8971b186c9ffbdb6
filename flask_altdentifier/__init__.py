"""Log in with AltDentifier: an OAuth 2.0 client for Flask."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from . import errors, signals
from .api import api
from .current import current_grant, logout
from .extension import blueprint
from .grant import Grant
from .integration import integration_url
from .login import authorize_redirect
from .requires import protect, public, requires_scope
from .scopes import READ_USER, WRITE_INTEGRATIONS

if TYPE_CHECKING:
    from . import sandbox, testing, webhooks

__all__ = [
    "READ_USER",
    "WRITE_INTEGRATIONS",
    "Grant",
    "api",
    "authorize_redirect",
    "blueprint",
    "current_grant",
    "errors",
    "integration_url",
    "logout",
    "protect",
    "public",
    "requires_scope",
    "sandbox",
    "signals",
    "testing",
    "webhooks",
]


def __dir__() -> list[str]:
    """Name the submodules too that were not asked for yet."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> ModuleType:
    """Import the submodules that not every app needs when they are asked for."""
    if name in {"sandbox", "testing", "webhooks"}:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
