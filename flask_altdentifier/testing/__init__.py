"""Log test clients in through the real routes, with a sandbox instead of AltDentifier.

The sandbox runs in the same process, without a socket and without waiting. pytest finds the
fixtures by itself, so there is nothing to import::

    def test_profile(client, altdentifier_login):
        altdentifier_login(client)
        assert client.get("/profile").status_code == 200

    def test_rate_limit(client, altdentifier_login, altdentifier_sandbox):
        altdentifier_sandbox.failure = Failure.RATE_LIMITED
        altdentifier_login(client, expect="provider_unavailable")

Without pytest::

    with Sandbox() as sandbox:
        sandbox.log_in(client)

The fixtures are defined in the module `pytest_flask_altdentifier`, which imports this package only
when a test uses one of them.
"""

from __future__ import annotations

from .login import LogIn
from .result import UnexpectedLoginResult
from .sandbox import Sandbox

__all__ = ["LogIn", "Sandbox", "UnexpectedLoginResult"]

#: pytest reads this if it is run with `-p flask_altdentifier.testing`.
pytest_plugins: tuple[str, ...] = ("pytest_flask_altdentifier",)
