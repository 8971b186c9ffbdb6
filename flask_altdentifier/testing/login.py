"""The steps of a test's login: `/login`, the sandbox's authorize page, `/callback`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ..state import get_state
from .app_state import path_of, replace_scope
from .provider import InProcessTransport, get_sandbox_transport
from .result import validate_expect, watch_login

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


class LogIn(Protocol):
    """The type of the fixture `altdentifier_login`, whose value is `Sandbox.log_in`.

    Example::

        def test_profile(client: FlaskClient, altdentifier_login: LogIn) -> None: ...
    """

    def __call__(
        self,
        client: FlaskClient,
        scope: str | Iterable[str] = "read:user",
        *,
        next: str | None = None,  # noqa: A002
        expect: str | None = None,
        **request: Any,
    ) -> TestResponse:
        """Log *client* in as `Sandbox.log_in` does."""
        ...


def log_in(
    client: FlaskClient,
    scope: str | Iterable[str] = "read:user",
    *,
    next: str | None = None,  # noqa: A002
    expect: str | None = None,
    **request: Any,
) -> TestResponse:
    """Log *client* in with the sandbox that serves its app.

    Args:
        client: As for `Sandbox.log_in`.
        scope: As for `Sandbox.log_in`.
        next: As for `Sandbox.log_in`.
        expect: As for `Sandbox.log_in`.
        request: As for `Sandbox.log_in`.

    Returns:
        The last response, as for `Sandbox.log_in`.

    Raises:
        RuntimeError: No sandbox serves the client's app.
        UnexpectedLoginResult: As for `Sandbox.log_in`.

    Example::

        with sandbox_for(app):
            log_in(app.test_client())
    """
    __tracebackhide__ = True
    validate_expect(expect)
    app = client.application
    query = None if next is None else {"next": next}
    with replace_scope(get_state(app), scope):
        response = client.get(path_of(app, "login"), query_string=query, **request)
    return finish_login(client, response, expect, request)


def finish_login(
    client: FlaskClient, response: TestResponse, expect: str | None, options: dict[str, Any]
) -> TestResponse:
    """Follow *response* to the sandbox and back, as `Sandbox.finish` does."""
    __tracebackhide__ = True
    validate_expect(expect)
    transport = _get_transport(client.application)
    with watch_login(client.application) as result:
        last = _follow(client, response, transport, options)
    return result.check(last, expect, transport.provider.failure_advice)


def _get_transport(app: Flask) -> InProcessTransport:
    transport = get_sandbox_transport(get_state(app))
    if transport is None:
        raise RuntimeError("No sandbox serves this app. Use `with testing.sandbox_for(app):`.")
    return transport


def _follow(
    client: FlaskClient,
    response: TestResponse,
    transport: InProcessTransport,
    options: dict[str, Any],
) -> TestResponse:
    """Return the callback's response, or the earlier response that does not lead to a callback."""
    location = response.location or ""
    if not location.startswith(transport.authorization_endpoint):
        return response
    answer = transport.submit_consent(location)
    if answer.location is None:
        return answer
    # Only the query, because the path of the redirect URI may exist only at a proxy.
    query = urlsplit(answer.location).query
    return client.get(path_of(client.application, "callback"), query_string=query, **options)
