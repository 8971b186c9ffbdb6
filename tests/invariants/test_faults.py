"""Each operation on the cache and on the network fails once: nothing is ever half done."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_altdentifier.errors import ProviderError, ProviderTimeout

from .app import create_app, file_cache
from .inprocess import Answer, Clock, ClockCache, ask, memory_app
from .jar import Jar
from .transport import AnyCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

    from flask_altdentifier.transport import Response

#: What the browser has when the story begins.
BEGINNINGS = ["nothing", "a session", "a login", "a session and a login"]


class User:
    """One browser before one app, whose cache fails when it is told to."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.cache = ClockCache(self.clock.time)
        self.app, self.provider = memory_app(self.cache)
        self.jar = Jar(self.clock.time)
        #: The operation that failed, and its key.
        self.failed: tuple[str, str] | None = None

    def visit(self, method: str, path: str) -> Answer:
        """Send a request and keep the cookies that come."""
        answer = ask(self.app, method, path, self.jar)
        self.jar.receive(answer.set_cookies)
        return answer

    def token(self, jar: Jar | None = None) -> str | None:
        """Return the token that the protected view works with, or None."""
        answer = ask(self.app, "GET", "/me", self.jar if jar is None else jar)
        assert answer.status in {200, 401}
        return answer.body if answer.status == 200 else None

    def log_in(self) -> str:
        """Log in and return the token."""
        state, code = state_of(self.visit("GET", "/login?next=/next")), secrets.token_hex(8)
        answer = self.visit("GET", f"/callback?code={code}&state={state}")
        assert (answer.status, answer.location) == (303, "/next")
        assert self.provider.requests[code] == 1
        assert self.token() == self.provider.tokens[code]
        return self.provider.tokens[code]

    def fail_at(self, number: int, moment: str) -> None:
        """Let the cache's operation of this number fail, before or after it is done."""
        numbers = count(1)

        def fail(operation: str, key: str) -> None:
            if next(numbers) == number:
                self.failed = (operation, key)
                raise OSError("secret of the cache")

        setattr(self.cache, moment, fail)

    def mend(self) -> None:
        """Let the cache work again."""
        self.cache.before = self.cache.after = lambda *_: None


def user(beginning: str) -> tuple[User, str | None]:
    """Return a user with what is told of the beginning, and the token of the first login."""
    user = User()
    if "session" in beginning:
        user.visit("GET", "/cart/apples")
    return user, user.log_in() if "login" in beginning else None


def state_of(answer: Answer) -> str:
    """Return the state in a redirect to the provider."""
    return parse_qs(urlsplit(str(answer.location)).query)["state"][0]


def assert_told_well(user: User, answer: Answer) -> None:
    """Assert that a failure of our records is a 503, and that no text of the cache is shown."""
    assert user.failed is not None
    assert "secret of the cache" not in answer.body
    if user.failed[1].startswith("altdentifier:"):
        assert answer.status == 503 or answer.status in {302, 303}


moments = pytest.mark.parametrize("moment", ["before", "after"])
beginnings = pytest.mark.parametrize("beginning", BEGINNINGS)


@moments
@beginnings
def test_login_with_a_failing_cache(moment: str, beginning: str) -> None:
    """Whichever operation of a login fails: no half login, no code sent twice, a way on."""
    with Clock().running():
        numbers = []
        for number in count(1):
            someone, first = user(beginning)
            if not login_fails_at(someone, first, number, moment):
                break
            numbers.append(number)
        assert len(numbers) >= 5


def login_fails_at(user: User, first: str | None, number: int, moment: str) -> bool:
    """Log in with one failure; return False where the login took fewer operations."""
    old, code, state = user.jar.copy(), secrets.token_hex(8), "A" * 43
    user.fail_at(number, moment)
    answer = user.visit("GET", "/login?next=/next")
    begun = user.jar.copy()
    if answer.status == 302:
        state = state_of(answer)
        answer = user.visit("GET", f"/callback?code={code}&state={state}")
    user.mend()
    if user.failed is None:
        return False
    assert_told_well(user, answer)
    second = user.provider.tokens.get(code)
    assert answer.status in {303, 500, 503}
    if user.token() not in {None, first}:
        # Flask-Session could not save the session of a login that was whole.
        assert answer.status == 303 or user.failed[1].startswith("session:")
        assert user.token() == second
        assert user.token(old) is None
    for jar in (user.jar, begun):
        ask(user.app, "GET", f"/callback?code={code}&state={state}", jar)
        assert user.provider.requests[code] <= 1
    third = user.log_in()
    assert user.token() == third
    assert user.token(old) is None
    user.visit("POST", "/logout")
    assert user.token() is None
    return True


@moments
@beginnings
@pytest.mark.parametrize("way", ["/logout", "/leave"])
def test_logout_with_a_failing_cache(moment: str, beginning: str, way: str) -> None:
    """Whichever operation of a logout fails: what it says is true, and it can be done again."""
    with Clock().running():
        for number in count(1):
            someone, first = user(beginning)
            old = someone.jar.copy()
            someone.fail_at(number, moment)
            answer = someone.visit("POST", way)
            someone.mend()
            if someone.failed is None:
                break
            assert_told_well(someone, answer)
            if answer.status in {200, 303}:
                assert someone.token(old) is None
            else:
                assert answer.status in {500, 503}
                assert someone.token() in {None, first}
            assert someone.visit("POST", way).status in {200, 303}
            assert someone.token() is None
            assert someone.token(old) is None
            someone.log_in()


@moments
def test_protected_view_with_a_failing_cache(moment: str) -> None:
    """Whichever operation fails, a protected view shows nothing to a stranger."""
    with Clock().running():
        for beginning in BEGINNINGS:
            for number in count(1):
                someone, first = user(beginning)
                someone.fail_at(number, moment)
                answer = someone.visit("GET", "/me")
                someone.mend()
                if someone.failed is None:
                    break
                assert answer.status in {401, 500, 503}
                assert someone.token() == first


class FailingTransport(AnyCode):
    """A transport whose request number N fails, before or after the provider had it."""

    def __init__(self, number: int, moment: str, problem: Exception) -> None:
        super().__init__()
        self.number, self.moment, self.problem = number, moment, problem
        self.sent: Counter[str] = Counter()
        self.seen = 0

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Answer a token request, or fail."""
        assert body is not None
        self.seen += 1
        self.sent[parse_qs(body.decode())["code"][0]] += 1
        if self.seen == self.number and self.moment == "before":
            raise self.problem
        response = super().request(method, target, headers=headers, body=body)
        if self.seen == self.number:
            raise self.problem
        return response


@moments
@beginnings
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("problem", "status"),
    [(ProviderTimeout, 504), (ProviderError, 502), (OSError, 500), (MemoryError, 500)],
)
def test_failing_network(
    moment: str, beginning: str, number: int, problem: type[Exception], status: int
) -> None:
    """Whichever token request fails: no login, the code is not sent again, a new login works."""
    with Clock().running():
        someone, first = user(beginning)
        transport = FailingTransport(number, moment, problem())
        installed = someone.app.extensions["altdentifier"]
        installed.transport = someone.provider = transport
        installed.__dict__.pop("provider", None)
        for turn in range(1, 4):
            if turn != number:
                first = someone.log_in()
                continue
            state, code = state_of(someone.visit("GET", "/login")), secrets.token_hex(8)
            begun = someone.jar.copy()
            path = f"/callback?code={code}&state={state}"
            assert someone.visit("GET", path).status == status
            assert someone.token() == first
            for jar in (someone.jar, begun):
                expected = 400 if first is None else 303
                assert ask(someone.app, "GET", path, jar).status == expected
            assert transport.sent[code] == 1


def files_app(directory: Path) -> Flask:
    """Return an app whose store is a directory."""
    app = create_app(
        {
            "SESSION_TYPE": "cachelib",
            "SESSION_CACHELIB": file_cache(directory / "sessions"),
            "ALTDENTIFIER_STORE": file_cache(directory / "logins"),
        }
    )
    app.extensions["altdentifier"].transport = AnyCode()
    return app


@pytest.mark.parametrize("way", ["/logout", "/leave"])
def test_logout_that_cannot_remove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Where a record's file cannot be removed, the logout does not say that all went well."""
    app, jar = files_app(tmp_path), Jar()
    log_in(app, jar)
    old = jar.copy()
    with monkeypatch.context() as patch:
        patch.setattr(os, "remove", refuse)
        answer = ask(app, "POST", way, jar)
    assert (answer.status, ask(app, "GET", "/me", old).status) in {(503, 200), (303, 401)}


@pytest.mark.parametrize("function", ["link", "remove"])
def test_state_that_cannot_be_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    """Where a pending login's file cannot be claimed: 503, no code is sent, and it works later."""
    app, jar = files_app(tmp_path), Jar()
    answer = ask(app, "GET", "/login", jar)
    jar.receive(answer.set_cookies)
    path = f"/callback?code=one&state={state_of(answer)}"
    with monkeypatch.context() as patch:
        patch.setattr(os, function, refuse)
        assert ask(app, "GET", path, jar).status == 503
    assert app.extensions["altdentifier"].transport.requests["one"] == 0
    jar.receive(ask(app, "GET", path, jar).set_cookies)
    assert ask(app, "GET", "/me", jar).status == 200


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be written: 503, no code is sent, and a new login works later."""
    app, jar = files_app(tmp_path), Jar()
    answer = ask(app, "GET", "/login", jar)
    jar.receive(answer.set_cookies)
    path = f"/callback?code=one&state={state_of(answer)}"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        assert ask(app, "GET", "/login", Jar()).status == 503
        assert ask(app, "GET", path, jar).status == 503
    assert app.extensions["altdentifier"].transport.requests["one"] == 0
    log_in(app, jar)


def log_in(app: Flask, jar: Jar) -> None:
    """Log in."""
    answer = ask(app, "GET", "/login", jar)
    jar.receive(answer.set_cookies)
    code = secrets.token_hex(8)
    answer = ask(app, "GET", f"/callback?code={code}&state={state_of(answer)}", jar)
    jar.receive(answer.set_cookies)
    assert ask(app, "GET", "/me", jar).status == 200


def refuse(*_: Any, **__: Any) -> None:
    """Fail as a disk that is broken or full."""
    raise OSError("Input/output error")
