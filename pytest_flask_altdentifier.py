"""The pytest fixtures of flask-altdentifier, which `flask_altdentifier.testing` describes.

pytest imports this module in every run, so it imports only pytest until a test uses a fixture. It
is not part of the package, because importing a module of a package imports the whole package. That
would slow down every run, and coverage would not measure the package's import.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask_altdentifier.testing import LogIn, Sandbox


@pytest.fixture
def altdentifier_sandbox() -> Iterator[Sandbox]:
    """A `flask_altdentifier.testing.Sandbox` instead of AltDentifier in every app, for one test."""
    from flask_altdentifier.testing import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def altdentifier_login(altdentifier_sandbox: Sandbox) -> LogIn:
    """A function that logs a test client in: `altdentifier_login(client, scope="read:user")`.

    It raises if the login fails, unless `expect=` names the reason. It is the method
    `flask_altdentifier.testing.Sandbox.log_in`.
    """
    return altdentifier_sandbox.log_in
