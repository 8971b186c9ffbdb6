"""The type of a login function, and the steps from `/login` through the sandbox to `/callback`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from .app_state import path_of

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from .provider import InProcessTransport


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


def follow_login(
    client: FlaskClient,
    response: TestResponse,
    transport: InProcessTransport,
    options: dict[str, Any],
) -> TestResponse:
    """Follow *response* to the sandbox, and from there to `/callback`.

    Returns the callback's response, or the last response before if it does not lead on.
    """
    location = response.location or ""
    if not location.startswith(transport.authorization_endpoint):
        return response
    answer = transport.submit_consent(location)
    if answer.location is None:
        return answer
    # Only the query, because the path of the redirect URI may exist only at a proxy.
    query = urlsplit(answer.location).query
    return client.get(path_of(client.application, "callback"), query_string=query, **options)
