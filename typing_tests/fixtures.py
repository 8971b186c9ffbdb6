"""What type checkers infer of users' tests."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from typing_extensions import assert_type
from werkzeug.test import TestResponse

from flask_altdentifier import sandbox
from flask_altdentifier.testing import LogIn, Sandbox, UnexpectedLoginResult


def test_profile(
    client: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    """The fixtures have types that a test can name."""
    assert_type(altdentifier_login(client), TestResponse)
    assert_type(altdentifier_login(client, ["read:user"], next="/me"), TestResponse)
    assert_type(altdentifier_login(client, expect="access_denied"), TestResponse)
    altdentifier_sandbox.failure = sandbox.Failure.SLOW
    altdentifier_sandbox.expires_in = 60
    assert_type(altdentifier_sandbox.state, sandbox.SandboxState)
    assert_type(altdentifier_sandbox.finish(client, client.get("/")), TestResponse)
    login: LogIn = altdentifier_sandbox.log_in
    login(client, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def without_fixtures(app: Flask) -> None:
    """The context manager gives the sandbox."""
    with Sandbox(app) as one_app, Sandbox() as every_app:
        assert_type(one_app, Sandbox)
        assert_type(every_app, Sandbox)


def unexpected(error: UnexpectedLoginResult) -> None:
    """The exception has its data."""
    assert_type(error.reason, str | None)
    assert_type(error.response, TestResponse)


assert_type(sandbox.create_app({"id": "secret"}), Flask)
assert_type(sandbox.create_app([sandbox.Client("id", "secret")]), Flask)
assert_type(sandbox.sandbox_state(Flask(__name__)), sandbox.SandboxState)
