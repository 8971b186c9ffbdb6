"""Log in with AltDentifier: an OAuth 2.0 client for Flask."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from . import errors as errors
from . import signals as signals
from .api import api as api
from .current import current_grant as current_grant
from .current import logout as logout
from .extension import blueprint as blueprint
from .grant import Grant as Grant
from .integration import integration_url as integration_url
from .login import authorize_redirect as authorize_redirect
from .requires import protect as protect
from .requires import public as public
from .requires import requires_scope as requires_scope
from .scopes import READ_USER as READ_USER
from .scopes import WRITE_INTEGRATIONS as WRITE_INTEGRATIONS

if TYPE_CHECKING:
    from . import sandbox as sandbox
    from . import testing as testing
    from . import webhooks as webhooks


def __getattr__(name: str) -> ModuleType:
    """Import the submodules that not every app needs when they are asked for."""
    if name in {"sandbox", "testing", "webhooks"}:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
