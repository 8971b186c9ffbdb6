"""Logs test clients in through the real routes, with a sandbox in place of AltDentifier.

With pytest there is nothing to set up; the fixtures come with the package:

    def test_profile(client, altdentifier_login):
        altdentifier_login(client)
        assert client.get("/profile").status_code == 200

    def test_busy(client, altdentifier_login, altdentifier_sandbox):
        altdentifier_sandbox.failure = Failure.RATE_LIMITED
        assert altdentifier_login(client).status_code == 503

Elsewhere `sandbox_for` and `log_in` do the same. No socket is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit

# Every run of pytest imports this module: what only some tests need is imported where it is used.
if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import Client as Visitor
    from werkzeug.test import TestResponse

    from .installed import Installed
    from .sandbox import Failure, State
    from .transport import Response


class Sandbox(AbstractContextManager["Sandbox", None]):
    """The sandbox that stands in for AltDentifier in one app; it knows the app's client.

    It allows what is asked for until it is told otherwise. A context manager that closes itself.
    """

    def __init__(self, app: Flask) -> None:
        """Take the place of AltDentifier in *app*; see `sandbox_for`."""
        from .sandbox import Client, create_app, sandbox_state

        self.app = app
        self._installed = _installed(app)
        settings = self._installed.settings
        uris = () if settings.redirect_uri is None else (settings.redirect_uri,)
        client = Client(settings.client_id, settings.client_secret, redirect_uris=uris)
        altdentifier = create_app([client])
        #: All that the sandbox knows and remembers.
        self.state: State = sandbox_state(altdentifier)
        self.state.slow_seconds = 0.0  # tests do not wait: see `_Transport`
        #: Scopes that the user unticks.
        self.declined: frozenset[str] = frozenset()
        #: Whether the user denies the whole login.
        self.denies: bool = False
        self._transport = _Transport(self, altdentifier, settings.base_url)
        self._before = vars(self._installed).get("transport")
        self._put(self._transport)

    @property
    def failure(self) -> Failure:
        """How AltDentifier fails, until it is set to something else: a `sandbox.Failure`.

        `Failure.SLOW` passes the deadline at once, without waiting.
        """
        return self.state.failure

    @failure.setter
    def failure(self, failure: Failure) -> None:
        self.state.failure = failure

    @property
    def expires_in(self) -> int:
        """Seconds that the next grants last; may be set."""
        return self.state.token_lifetime

    @expires_in.setter
    def expires_in(self, seconds: int) -> None:
        self.state.token_lifetime = seconds

    def decline(self, *scopes: str) -> None:
        """Have the user untick *scopes* from now on, and allow the rest."""
        self.declined, self.denies = frozenset(scopes), False

    def deny(self) -> None:
        """Have the user deny every login from now on."""
        self.denies = True

    def allow(self) -> None:
        """Have the user allow everything again."""
        self.decline()

    def revoke(self) -> None:
        """End all access tokens at AltDentifier only, so that the next bearer call gets a 401."""
        self.state.tokens.clear()

    def expire(self, client: FlaskClient, **request: Any) -> None:
        """End the access token of *client* in the app, as if its time had passed.

        With `ALTDENTIFIER_REFRESH` the next request refreshes it, where `state.refresh` is set.
        *request* is for `client.options`, such as `base_url=`. Raises `LookupError` where *client*
        is not logged in.
        """
        from flask import request_started

        expired: list[bool] = []

        def expire(_app: Flask, **_: Any) -> None:
            expired.append(_expire_grant())

        with request_started.connected_to(expire, sender=self.app):
            client.options(self._path("login"), **request)
        if not any(expired):
            raise LookupError("This client is not logged in, so there is no grant to expire.")

    def log_in(
        self,
        client: FlaskClient,
        scope: str | Iterable[str] = "read:user",
        *,
        next: str | None = None,  # noqa: A002
        **request: Any,
    ) -> TestResponse:
        """Log *client* in; see the function `log_in`."""
        query = None if next is None else {"next": next}
        with self._asking_for(scope):
            response = client.get(self._path("login"), query_string=query, **request)
        return self.finish(client, response, **request)

    def finish(self, client: FlaskClient, response: TestResponse, **request: Any) -> TestResponse:
        """Go on where *response* leads to AltDentifier, and return the callback's response.

        For logins that a view of your own starts. A *response* that leads elsewhere is returned
        as it is, and so is AltDentifier's page with `Failure.AUTHORIZE_ERROR`, from which no way
        leads back. *request* is for `client.get`. Raises `RuntimeError` where AltDentifier refuses
        the request.
        """
        origin, location = self._installed.settings.base_url, response.location or ""
        if not location.startswith(f"{origin}/oauth2/authorize?"):
            return response
        answer = self._transport.decide(location.removeprefix(origin))
        if answer.status_code >= 500:
            return answer
        if answer.location is None:
            main = "<main" + answer.text.partition("<main")[2]
            text = " ".join(re.sub(r"<[^>]*>", " ", main).split())
            raise RuntimeError(f"The sandbox refused the login with {answer.status_code}: {text}")
        # The redirect URI may be a proxy's; behind it, the callback is where the login began.
        query = urlsplit(answer.location).query
        return client.get(self._path("callback"), query_string=query, **request)

    def close(self) -> None:
        """Put back what was in the sandbox's place."""
        self._put(self._before)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, transport: Any) -> None:
        kept = vars(self._installed)
        for name in ("transport", "provider"):  # the provider holds a transport too
            kept.pop(name, None)
        if transport is not None:
            self._installed.transport = transport

    def _path(self, view: str) -> str:
        """Return the path of a route, or its URL where it is on a subdomain."""
        config = self.app.config
        urls = self.app.url_map.bind(
            config["SERVER_NAME"] or "localhost", url_scheme=config["PREFERRED_URL_SCHEME"]
        )
        return urls.build(f"{self._installed.name}.{view}")

    @contextmanager
    def _asking_for(self, scope: str | Iterable[str]) -> Iterator[None]:
        """Let `/login` ask for *scope*, as if `ALTDENTIFIER_SCOPE` said so."""
        from . import scopes

        asked = scopes.parse(scope) if isinstance(scope, str) else scopes.checked(scope)
        settings = self._installed.settings
        self._installed.settings = replace(settings, scope=asked)
        try:
            yield
        finally:
            self._installed.settings = settings


class _Transport:
    """Hands what the app sends to the sandbox by WSGI (PEP 3333)."""

    def __init__(self, sandbox: Sandbox, altdentifier: Flask, origin: str) -> None:
        from werkzeug.test import Client

        self.sandbox = sandbox
        self.origin = origin
        self.visitor: Visitor = Client(altdentifier, use_cookies=False)

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send one request; see `flask_altdentifier.transport.Transport`."""
        from urllib3 import HTTPHeaderDict

        from .errors import ProviderTimeout
        from .sandbox import Failure
        from .transport import Response

        answer = self.visitor.open(
            target, method=method, headers=dict(headers), data=body, base_url=self.origin
        )
        if self.sandbox.failure is Failure.SLOW:
            raise ProviderTimeout
        return Response(answer.status_code, HTTPHeaderDict(answer.headers.items()), answer.data)

    def decide(self, target: str) -> TestResponse:
        """Send the form of the authorize page as the user would."""
        asked = parse_qs(urlsplit(target).query).get("scope", [""])[0].split(" ")
        form = {
            "decision": "deny" if self.sandbox.denies else "allow",
            "granted": [scope for scope in asked if scope not in self.sandbox.declined],
        }
        return self.visitor.post(target, data=form, base_url=self.origin)


class LogIn(Protocol):
    """The type of the fixture `altdentifier_login`; see the function `log_in`."""

    def __call__(
        self,
        client: FlaskClient,
        scope: str | Iterable[str] = "read:user",
        *,
        next: str | None = None,  # noqa: A002
        **request: Any,
    ) -> TestResponse:
        """Log *client* in and return the callback's response."""
        ...


def sandbox_for(app: Flask) -> Sandbox:
    """Put a new sandbox in AltDentifier's place in *app*, until it is closed.

    It takes client id, secret and redirect URI from the app's config, so any config will do.
    Raises `RuntimeError` where the blueprint is not registered in *app*.
    """
    return Sandbox(app)


def log_in(
    client: FlaskClient,
    scope: str | Iterable[str] = "read:user",
    *,
    next: str | None = None,  # noqa: A002
    **request: Any,
) -> TestResponse:
    """Log *client* in: `/login`, the sandbox's page, `/callback`. Return the callback's response.

    *scope* is what is asked for, whatever `ALTDENTIFIER_SCOPE` says. *next* is the path to go to
    after it. *request* goes with both requests, as for `client.get`: an app on https may need
    `base_url="https://localhost"`, here and for its other requests.

    Raises `RuntimeError` where the client's app has no sandbox, `ValueError` for what is no scope.
    """
    sandbox = _sandbox_in(client.application)
    if sandbox is None:
        raise RuntimeError("This app has no sandbox: call testing.sandbox_for(app) first.")
    return sandbox.log_in(client, scope, next=next, **request)


def _installed(app: Flask) -> Installed:
    from .installed import installed

    with app.app_context():
        return installed()


def _sandbox_in(app: Flask) -> Sandbox | None:
    transport = vars(_installed(app)).get("transport")
    return transport.sandbox if isinstance(transport, _Transport) else None


def _expire_grant() -> bool:
    """Let the grant of the browser that sent this request expire; tell whether it was live."""
    from . import cookies, refresh
    from .grant import Grant
    from .installed import installed
    from .store import hashed

    store, live = installed().store, False
    for name in map(hashed, cookies.login_ids()):
        for kind in ("grant", "refreshed"):
            grant = store.get(kind, name, Grant.from_record)
            if grant:
                live, past = True, datetime.now(timezone.utc) - timedelta(seconds=1)
                grant = replace(grant, expires_at=past)
                store.put(kind, name, grant.to_record(), max(refresh.lifetime(grant), 60))
    return live


if find_spec("pytest") is not None:  # other test runners do without
    import pytest

    @pytest.fixture
    def altdentifier_sandbox(app: Flask) -> Iterator[Sandbox]:
        """A sandbox in AltDentifier's place in the app of your fixture `app`.

        Is yours called otherwise? Then write this fixture anew in your conftest.py:
        `with flask_altdentifier.testing.sandbox_for(your_app) as sandbox: yield sandbox`.
        """
        with sandbox_for(app) as sandbox:
            yield sandbox

    @pytest.fixture
    def altdentifier_login() -> Iterator[LogIn]:
        """A function that logs a test client in through the real routes; see `log_in`.

        It needs no fixture `app`: it takes the client's app.
        """
        with ExitStack() as sandboxes:

            def login(
                client: FlaskClient,
                scope: str | Iterable[str] = "read:user",
                *,
                next: str | None = None,  # noqa: A002
                **request: Any,
            ) -> TestResponse:
                sandbox = _sandbox_in(client.application)
                if sandbox is None:
                    sandbox = sandboxes.enter_context(sandbox_for(client.application))
                return sandbox.log_in(client, scope, next=next, **request)

            yield login
