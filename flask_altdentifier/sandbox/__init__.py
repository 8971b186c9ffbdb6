"""A local AltDentifier for development and tests: in memory, without accounts.

`flask altdentifier sandbox` runs one for an app. `create_app` returns one as a Flask app.

The sandbox imports only the list of scopes from the extension, so that a bug of the extension is
not in the sandbox too.
"""

from __future__ import annotations

from .app import create_app
from .clients import Client
from .failures import Failure
from .serve import make_server, run, serve
from .state import SandboxState, sandbox_state

__all__ = [
    "Client",
    "Failure",
    "SandboxState",
    "create_app",
    "make_server",
    "run",
    "sandbox_state",
    "serve",
]
