"""What the tests share: an app, a fake AltDentifier instead of the HTTP transport, and a login."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, session
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from flask_altdentifier import ApiResponse, blueprint, current_grant, requires_scope
from flask_altdentifier.errors import AltDentifierError
from flask_altdentifier.state import ExtensionState
from flask_altdentifier.stores import MemoryStore

T = TypeVar("T")

#: What a browser without Fetch Metadata sends when it visits a page.
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
#: What a page's script sends.
SCRIPT = {"Sec-Fetch-Mode": "cors", "Accept": "*/*"}

#: Name of the login cookie of "the-client" on http.
NAME = "altdentifier_4da8dcc3"

TOKEN = {
    "token_type": "Bearer",
    "expires_in": 604800,
    "refresh_token": "blablarefreshtoken",
    "scope": "read:user",
}


@dataclass
class FakeAltDentifier:
    """A transport that answers as a test sets it, and records the requests."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    #: Members that differ from the documented token response. None removes one.
    token: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    error: AltDentifierError | None = None
    requests: list[tuple[str, str, dict[str, str], dict[str, str]]] = field(default_factory=list)
    #: For each response: whether it was accepted.
    accepted: list[bool] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        read: Callable[[ApiResponse], T],
    ) -> T:
        form = dict(parse_qsl((body or b"").decode(), strict_parsing=bool(body)))
        self.requests.append((method, target, dict(headers), form))
        if self.error is not None:
            raise self.error
        return self.deliver(ApiResponse(self.status, Headers(self.headers), self._body()), read)

    def deliver(self, response: ApiResponse, read: Callable[[ApiResponse], T]) -> T:
        """Return what *read* returns, and note whether it accepted *response*."""
        self.accepted.append(False)
        result = read(response)
        self.accepted[-1] = True
        return result

    def _body(self) -> bytes:
        if self.body is not None:
            return self.body
        token = {"access_token": f"blablatoken{next(self._numbers)}"} | TOKEN | self.token
        return json.dumps({k: v for k, v in token.items() if v is not None}).encode()


def _watched(method: str) -> Any:
    """Return a method that notes its calls, and may fail."""

    def call(self: WatchedStore, key: str, *rest: Any) -> Any:
        noted = f"{method} {key.split(':')[2]}"
        self.calls.append(noted)
        if {method, noted} & self.failing:
            raise OSError("text of the server")
        return getattr(MemoryStore, method)(self, key, *rest)

    return call


class WatchedStore(MemoryStore):
    """A store that notes its calls, and fails where a test says so.

    Calls read `get grant`, `set session`: the method and the kind of record.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        #: Methods, or methods and kinds, that raise.
        self.failing: set[str] = set()

    get: Any = _watched("get")
    set: Any = _watched("set")
    pop: Any = _watched("pop")
    delete: Any = _watched("delete")
    clear: Any = _watched("clear")

    def fail(self) -> None:
        """Fail at every call from now on."""
        self.failing = {"get", "set", "pop", "delete", "clear"}

    def keys(self, kind: str) -> list[str]:
        """Return the keys of all records of one kind."""
        return [key for key in self._records if f":{kind}:" in key]

    def ttl(self, key: str) -> float:
        """Return how many seconds a record has left."""
        return self._records[key].expires_at - time.time()


def bare_app(**config: Any) -> Flask:
    """Return an app with credentials, but without the extension."""
    app = Flask("shop")
    app.testing = True
    app.config.update(ALTDENTIFIER_CLIENT_ID="the-client", ALTDENTIFIER_CLIENT_SECRET="the-secret")
    app.config.update(config)
    return app


def make_app(**config: Any) -> Flask:
    """Return an app with the extension, a few views, and a `FakeAltDentifier`."""
    app = bare_app(**{"ALTDENTIFIER_STORE": WatchedStore(), **config})
    app.register_blueprint(blueprint)
    state_of(app).transport = FakeAltDentifier()
    app.add_url_rule("/", "home", lambda: "hello")
    app.add_url_rule("/who", "who", lambda: "known" if current_grant else "nobody")
    app.add_url_rule("/me", "me", requires_scope()(lambda: sorted(current_grant.scope)))
    app.add_url_rule("/servers", "servers", requires_scope("write:integrations")(lambda: "servers"))
    app.add_url_rule("/act", "act", requires_scope()(lambda: "done"), methods=["POST"])
    app.add_url_rule("/cart/<item>", "cart", put_in_cart)
    app.add_url_rule("/cart", "show_cart", lambda: session.get("cart", "empty"))
    app.add_url_rule("/clear", "clear", lambda: [session.clear()])  # type: ignore[func-returns-value]
    return app


def put_in_cart(item: str) -> str:
    session["cart"] = item
    return item


def words(text: str) -> list[str]:
    """Return the words of *text*, to keep long lists of arguments short."""
    return text.split()


def state_of(app: Flask) -> ExtensionState:
    """Return what the extension keeps for *app*."""
    state: ExtensionState = app.extensions["altdentifier"]
    return state


def store_of(app: Flask) -> WatchedStore:
    """Return the store of *app*."""
    store = app.config["ALTDENTIFIER_STORE"]
    assert isinstance(store, WatchedStore)
    return store


def altdentifier(app: Flask) -> FakeAltDentifier:
    """Return the fake AltDentifier of *app*."""
    transport = state_of(app).transport
    assert isinstance(transport, FakeAltDentifier)
    return transport


def query_of(url: str | None) -> dict[str, str]:
    """Return the query of *url*, in which each name must be unique."""
    assert url is not None
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)


def start(client: FlaskClient, path: str = "/login", **options: Any) -> str:
    """Start a login and return its state."""
    response = client.get(path, **options)
    assert response.status_code == 302, response.text
    return query_of(response.location)["state"]


def finish(client: FlaskClient, state: str, **options: Any) -> TestResponse:
    """Come back from AltDentifier with a code."""
    return client.get("/callback", query_string={"code": "a-code", "state": state}, **options)


def log_in(client: FlaskClient, path: str = "/login", **options: Any) -> TestResponse:
    """Do a whole login, which must succeed."""
    response = finish(client, start(client, path, **options), **options)
    assert response.status_code == 303, response.text
    return response


def cookies_of(client: FlaskClient) -> dict[str, str]:
    """Return the cookies of a client, by name."""
    return {cookie.key: cookie.value for cookie in client._cookies.values()}  # type: ignore[union-attr]


def login_cookie_of(client: FlaskClient) -> tuple[str, str] | None:
    """Return name and value of the login cookie, or None."""
    names = [name for name in cookies_of(client) if name in (NAME, f"__Host-{NAME}")]
    return (names[0], cookies_of(client)[names[0]]) if names else None


def set_cookies(response: TestResponse) -> list[str]:
    """Return the names of the cookies that a response sets or deletes."""
    return [value.partition("=")[0] for value in response.headers.getlist("Set-Cookie")]


def reason(response: TestResponse) -> str:
    """Return the reason of a problem+json response."""
    assert response.mimetype == "application/problem+json", response.text
    return str(json.loads(response.text)["reason"])
