"""The sandbox instead of AltDentifier, in one app or in every app of the process."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from flask import Flask, appcontext_pushed, current_app, has_app_context

from ..state import ExtensionState, find_state, get_state
from .app_state import expire_grant, path_of, replace_scope, replace_transport
from .login import follow_login
from .provider import InProcessProvider, InProcessTransport, get_sandbox_transport
from .result import validate_expect, watch_login

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from ..sandbox import Failure, SandboxState


class Sandbox(AbstractContextManager["Sandbox", None]):
    """A sandbox instead of AltDentifier, in the same process and without a socket.

    It accepts the client ID and client secret of any app. Its user allows everything, until the
    test calls `decline` or `deny`. It is the value of the fixture `altdentifier_sandbox`.

    Args:
        apps: The apps to serve. Default: every app of this process, also those that are created
            later.

    Raises:
        ConfigError: The blueprint is not registered in one of *apps*.

    Example::

        with Sandbox() as sandbox:
            sandbox.log_in(client)
    """

    def __init__(self, *apps: Flask) -> None:
        self._provider = InProcessProvider()
        self._cleanup = ExitStack()
        for state in [get_state(app) for app in apps]:  # all before the first one is served
            self._serve(state)
        if not apps:
            self._serve_every_app()

    @property
    def state(self) -> SandboxState:
        """The sandbox's state, such as tokens, token requests and installations.

        Example: `assert len(sandbox.state.token_requests) == 1`.
        """
        return self._provider.state

    @property
    def failure(self) -> Failure:
        """The failure that AltDentifier simulates, a `flask_altdentifier.sandbox.Failure`.

        `Failure.SLOW` raises the timeout at once, without waiting.

        Example: `sandbox.failure = Failure.RATE_LIMITED`.
        """
        return self.state.failure

    @failure.setter
    def failure(self, failure: Failure | str) -> None:
        self.state.failure = failure

    @property
    def expires_in(self) -> int:
        """Seconds that the next grants last.

        Example: `sandbox.expires_in = 60`.
        """
        return self.state.token_lifetime

    @expires_in.setter
    def expires_in(self, seconds: int) -> None:
        self.state.token_lifetime = seconds

    def decline(self, *scopes: str) -> None:
        """Make the user untick *scopes* from now on, and allow the others.

        Example: `sandbox.decline("write:integrations")`.
        """
        self._provider.declined, self._provider.denies = frozenset(scopes), False

    def deny(self) -> None:
        """Make the user deny every login from now on. Example: `sandbox.deny()`."""
        self._provider.denies = True

    def allow(self) -> None:
        """Make the user allow everything again. Example: `sandbox.allow()`."""
        self.decline()

    def revoke(self) -> None:
        """Revoke all access tokens at AltDentifier, so that the next `api` call gets a 401.

        Example: `sandbox.revoke()`.
        """
        self.state.tokens.clear()

    def expire(self, client: FlaskClient, **request: Any) -> None:
        """Expire the grant of *client*, as if its lifetime had passed.

        Args:
            client: A test client that is logged in.
            request: Options for the client's request, such as `base_url=`.

        Raises:
            LookupError: *client* is not logged in.

        Example::

            sandbox.expire(client)
            assert client.get("/profile").status_code == 401
        """
        if not expire_grant(client, **request):
            raise LookupError("This client is not logged in. Log it in first.")

    def log_in(
        self,
        client: FlaskClient,
        scope: str | Iterable[str] = "read:user",
        *,
        next: str | None = None,  # noqa: A002
        expect: str | None = None,
        **request: Any,
    ) -> TestResponse:
        """Log *client* in through `/login`, the sandbox's authorize page and `/callback`.

        Args:
            client: A test client of the app.
            scope: The scopes to request, instead of `ALTDENTIFIER_SCOPE`: a space-separated
                string, or one scope per item.
            next: Local path to redirect to after the login.
            expect: The `reason` of the error that the test expects, such as `"access_denied"`. None
                means that the login must succeed.
            request: Options for both requests of the client, such as
                `base_url="https://localhost"`.

        Returns:
            The callback's response, or the response of `/login` if that fails as expected.

        Raises:
            UnexpectedLoginResult: The login failed, or did not fail with *expect*.
            ValueError: *scope* or *expect* is not valid.
            ConfigError: The blueprint is not registered in the client's app.

        Example::

            sandbox.log_in(client, "read:user write:integrations", next="/servers")
        """
        __tracebackhide__ = True
        validate_expect(expect)
        app = client.application
        self._ensure_served(get_state(app))
        query = None if next is None else {"next": next}
        with replace_scope(get_state(app), scope):
            response = client.get(path_of(app, "login"), query_string=query, **request)
        return self.finish(client, response, expect=expect, **request)

    def finish(
        self,
        client: FlaskClient,
        response: TestResponse,
        *,
        expect: str | None = None,
        **request: Any,
    ) -> TestResponse:
        """Finish the login that *response* starts, such as a response of `authorize_redirect()`.

        Args:
            client: The test client that received *response*.
            response: A redirect to AltDentifier.
            expect: As for `log_in`.
            request: As for `log_in`.

        Returns:
            The callback's response.

        Raises:
            UnexpectedLoginResult: As for `log_in`, and if *response* does not lead to AltDentifier.
            ValueError: *expect* is not valid.

        Example::

            sandbox.finish(client, client.get("/connect"))
        """
        __tracebackhide__ = True
        validate_expect(expect)
        transport = self._ensure_served(get_state(client.application))
        with watch_login(client.application) as result:
            last = follow_login(client, response, transport, request)
        return result.check(last, expect, transport.provider.failure_advice)

    def close(self) -> None:
        """Restore the apps' transports. Close the newest sandbox first.

        Example::

            sandbox.close()
        """
        self._cleanup.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve_every_app(self) -> None:
        """Serve each app from its next app context on, and serve the current app now.

        pytest-flask pushes one context around each test, and all requests of the test share it.
        """
        pushed = appcontext_pushed.connected_to(self._serve_if_installed)
        self._cleanup.enter_context(pushed)
        if has_app_context():
            self._serve_if_installed(current_app)

    def _serve_if_installed(self, app: Flask, **_: Any) -> None:
        state = find_state(app)
        if state is not None:
            self._ensure_served(state)

    def _ensure_served(self, state: ExtensionState) -> InProcessTransport:
        """Return the transport to the sandbox that serves an app. The newest sandbox serves it."""
        serving = get_sandbox_transport(state)
        if serving is None or serving.provider.number < self._provider.number:
            return self._serve(state)
        return serving

    def _serve(self, state: ExtensionState) -> InProcessTransport:
        transport = InProcessTransport(self._provider, state)
        self._cleanup.enter_context(replace_transport(state, transport))
        return transport
