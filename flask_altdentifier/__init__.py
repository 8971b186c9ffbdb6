"""Log in with AltDentifier: an OAuth 2.0 client for Flask."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from . import errors as errors
from . import signals as signals
from . import stores as stores
from .api_client import TrustFactor as TrustFactor
from .api_client import api as api
from .current_grant import current_grant as current_grant
from .current_grant import logout as logout
from .current_grant import logout_all as logout_all
from .decorators import protect as protect
from .decorators import public as public
from .decorators import requires_scope as requires_scope
from .extension import blueprint as blueprint
from .grant import Grant as Grant
from .http.response import ApiResponse as ApiResponse
from .integration import integration_url as integration_url
from .login import authorize_redirect as authorize_redirect
from .scopes import READ_USER as READ_USER
from .scopes import WRITE_INTEGRATIONS as WRITE_INTEGRATIONS

if TYPE_CHECKING:
    from . import sandbox as sandbox
    from . import testing as testing
    from . import webhooks as webhooks

_LAZY = ("sandbox", "testing", "webhooks")

__all__ = [
    "READ_USER",
    "WRITE_INTEGRATIONS",
    "ApiResponse",
    "Grant",
    "TrustFactor",
    "api",
    "authorize_redirect",
    "blueprint",
    "current_grant",
    "errors",
    "integration_url",
    "logout",
    "logout_all",
    "protect",
    "public",
    "requires_scope",
    "sandbox",
    "signals",
    "stores",
    "testing",
    "webhooks",
]


def __dir__() -> list[str]:
    """List the public names, with the submodules that are not imported yet."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> ModuleType:
    """Import a submodule at its first use, because not every app needs it."""
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
