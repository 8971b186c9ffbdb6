"""What type checkers infer of users' tests."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from typing_extensions import assert_type
from werkzeug.test import TestResponse

from flask_altdentifier import sandbox, testing
from flask_altdentifier.testing import LogIn, Sandbox


def test_profile(
    client: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    """The fixtures have types to be named by."""
    assert_type(altdentifier_login(client), TestResponse)
    assert_type(altdentifier_login(client, ["read:user"], next="/me"), TestResponse)
    altdentifier_sandbox.failure = sandbox.Failure.SLOW
    altdentifier_sandbox.expires_in = 60
    assert_type(altdentifier_sandbox.state, sandbox.State)
    assert_type(altdentifier_sandbox.finish(client, client.get("/")), TestResponse)


def without_fixtures(app: Flask) -> None:
    """The context manager gives the sandbox."""
    with testing.sandbox_for(app) as stand_in:
        assert_type(stand_in, Sandbox)
        assert_type(testing.log_in(app.test_client(), "read:user"), TestResponse)


assert_type(sandbox.create_app({"id": "secret"}), Flask)
assert_type(sandbox.create_app([sandbox.Client("id", "secret")]), Flask)
assert_type(sandbox.sandbox_state(Flask(__name__)), sandbox.State)
