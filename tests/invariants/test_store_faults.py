"""Each call of the store fails once, before or after it was done: nothing is ever half done."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from itertools import count

import pytest

from .browser import Answer, callback, state_in
from .jar import Jar
from .memory import Clock, Store, ask, memory_app

#: What the browser has when the story starts.
STARTS = ["nothing", "session", "login", "session and login"]

#: Calls at the end of the callback.
LATE = {"delete grant", "delete session", "set session"}

pytestmark = [
    pytest.mark.parametrize("moment", ["before", "after"]),
    pytest.mark.parametrize("start", STARTS),
]


class User:
    """One browser, and the store of its app, of which one call fails."""

    def __init__(self, start: str) -> None:
        self.store = Store()
        self.app, self.provider = memory_app(self.store)
        self.jar = Jar()
        self.failed: str | None = None
        if "session" in start:
            self.visit("/cart/apples")
        #: The token of the login that the browser has at the start.
        self.token_at_start = self.log_in() if "login" in start else None
        self.jar_at_start = self.jar.copy()

    def visit(self, path: str, method: str = "GET") -> Answer:
        answer = ask(self.app, path, self.jar, method)
        self.jar.receive(answer.set_cookies)
        return answer

    def token(self, jar: Jar | None = None) -> str | None:
        answer = ask(self.app, "/me", jar or self.jar)
        assert answer.status in {200, 401}
        return answer.body if answer.status == 200 else None

    def log_in(self) -> str:
        state, code = state_in(self.visit("/login?next=/next")), secrets.token_hex(8)
        assert self.visit(callback(state, code)).location == "/next"
        assert self.provider.requests[code] == 1
        assert self.token() == self.provider.tokens[code]
        return self.provider.tokens[code]

    def fail_at(self, number: int, moment: str) -> None:
        """Let the call of this number fail, before or after it was done, and all after it work."""
        numbers = count(1)

        def fail(method: str, key: str) -> None:
            if next(numbers) == number:
                self.failed = f"{method} {key.split(':')[2]}"
                raise OSError("text of the server")

        setattr(self.store, moment, fail)


def users(start: str, moment: str) -> Iterator[User]:
    """Yield users whose first, second, ... call fails, until none did."""
    with Clock().running():
        for number in count(1):
            user = User(start)
            user.fail_at(number, moment)
            yield user
            user.store.work()
            if user.failed is None:
                return


def test_no_login_is_half_done_and_no_code_is_sent_twice(start: str, moment: str) -> None:
    """A new login works."""
    for user in users(start, moment):
        code, state = secrets.token_hex(8), "A" * 43
        answer = user.visit("/login?next=/next")
        started = user.jar.copy()
        if answer.status == 302:
            state = state_in(answer)
            answer = user.visit(callback(state, code))
        user.store.work()
        assert "text of the server" not in answer.body
        assert answer.status == 303 or (answer.status == 503 and user.failed)
        if answer.status == 303:
            assert user.token() == user.provider.tokens[code]
        elif user.token() is None:
            # The older login had been ended when the new one failed.
            assert user.token_at_start is None or user.failed in LATE
        else:
            assert user.token() == user.token_at_start
        for jar in (user.jar, started):
            ask(user.app, callback(state, code), jar)
            assert user.provider.requests[code] <= 1
        assert user.log_in() == user.token()
        assert user.token(user.jar_at_start) is None
        user.visit("/logout", "POST")
        assert user.token() is None


@pytest.mark.parametrize("path", ["/logout", "/leave"])
def test_logout_that_failed_can_be_done_again(start: str, moment: str, path: str) -> None:
    """The answer is true."""
    for user in users(start, moment):
        answer = user.visit(path, "POST")
        user.store.work()
        assert answer.status in {200, 303} or (answer.status == 503 and user.failed)
        if answer.status == 503:
            assert user.token() in {None, user.token_at_start}
            assert user.visit(path, "POST").status in {200, 303}
        assert user.token() is None
        assert user.token(user.jar_at_start) is None
        user.log_in()


def test_protected_view_is_a_503_or_the_right_page(start: str, moment: str) -> None:
    for user in users(start, moment):
        answer = user.visit("/me")
        user.store.work()
        if answer.status == 503:
            assert user.failed in {"get grant", "get session"}
        else:
            assert answer.status == 401 or answer.body == user.token_at_start
        assert user.token() == user.token_at_start
