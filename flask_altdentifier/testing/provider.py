"""The sandbox in the same process, and the transport that calls it through WSGI."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import Client as WSGIClient

from ..errors import ProviderTimeout
from ..http.response import ApiResponse
from ..sandbox import Client, Failure, SandboxState, create_app, sandbox_state

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from ..state import ExtensionState

T = TypeVar("T")

_numbers = itertools.count()


class InProcessProvider:
    """One sandbox with one user, for any number of apps. It knows the client of every app."""

    def __init__(self) -> None:
        app = create_app([])
        self.client: WSGIClient = WSGIClient(app, use_cookies=False)
        self.state: SandboxState = sandbox_state(app)
        self.state.slow_seconds = 0.0  # `InProcessTransport` raises the timeout instead
        #: Newer sandboxes have higher numbers.
        self.number: int = next(_numbers)
        #: The scopes that the user unticks.
        self.declined: frozenset[str] = frozenset()
        #: Whether the user denies the whole login.
        self.denies: bool = False

    @property
    def failure_advice(self) -> str:
        """What to change in the sandbox if a login must not fail, or an empty string."""
        if self.state.failure is not Failure.NONE:
            return f"The sandbox's failure is {self.state.failure}. Set it to Failure.NONE."
        return "The sandbox's user denies logins. Call allow()." if self.denies else ""


class InProcessTransport:
    """The `Transport` of one app to the sandbox."""

    def __init__(self, provider: InProcessProvider, state: ExtensionState) -> None:
        self.provider = provider
        self._state = state

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        read: Callable[[ApiResponse], T],
    ) -> T:
        """Send one request, and return the result of *read*."""
        response = self._open(target, method=method, headers=dict(headers), data=body)
        if self.provider.state.failure is Failure.SLOW:
            raise ProviderTimeout
        return read(ApiResponse(response.status_code, Headers(response.headers), response.data))

    @property
    def authorization_endpoint(self) -> str:
        """The URL of the authorize page, up to and with the `?`."""
        return f"{self._state.config.base_url}/oauth2/authorize?"

    def submit_consent(self, authorization_url: str) -> TestResponse:
        """Submit the form of the page at *authorization_url*, as the user would."""
        requested = parse_qs(urlsplit(authorization_url).query).get("scope", [""])[0].split(" ")
        form = {
            "decision": "deny" if self.provider.denies else "allow",
            "granted": [scope for scope in requested if scope not in self.provider.declined],
        }
        target = authorization_url.removeprefix(self._state.config.base_url)
        return self._open(target, method="POST", data=form)

    def _open(self, target: str, **options: Any) -> TestResponse:
        config = self._state.config
        # Without registered redirect URIs, the sandbox allows the one that the app sends.
        client = Client(config.client_id, config.client_secret)
        self.provider.state.clients[client.client_id] = client
        return self.provider.client.open(target, base_url=config.base_url, **options)


def get_sandbox_transport(state: ExtensionState) -> InProcessTransport | None:
    """Return the transport to the sandbox that serves an app, or None if none does."""
    transport = vars(state).get("transport")
    return transport if isinstance(transport, InProcessTransport) else None


def page_text(response: TestResponse) -> str:
    """Return the text of the main part of a sandbox page, for a message."""
    _, start, main = response.text.partition("<main")
    return " ".join(re.sub(r"<[^>]*>", " ", start + main).split())
