"""What must hold, as a machine that plays users, thieves and slow requests against the package.

Three browsers, two apps that share one cache, and a clock that the machine turns. The machine
remembers which logins are pending and who is logged in; after each step the package must agree.
"""

from __future__ import annotations

import secrets
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from .inprocess import Answer, Clock, ClockCache, ask, memory_app
from .jar import Jar
from .transport import TOKEN_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Callable

LOGIN_LIFETIME = 600
MAX_PENDING = 5

# Most happens in one place, so that stories meet.
APPS = st.sampled_from("aaab")
BROWSERS = st.sampled_from(["alice", "alice", "alice", "bob", "mallory"])
NUMBERS = st.integers(0, 1000)


@dataclass
class Begun:
    """A login that was begun."""

    browser: str
    app: str
    state: str
    next: str
    end: float
    #: Neither used nor pushed out.
    pending: bool = True
    used: bool = False


@dataclass
class Member:
    """What one browser should be to one app."""

    token: str | None = None
    end: float = 0.0
    pending: list[Begun] = field(default_factory=list)


@dataclass
class Slow:
    """A slow request: what it read of the session, and will write."""

    browser: str
    app: str
    session_id: str | None
    record: dict[str, Any]
    writes: bool


class Model(RuleBasedStateMachine):
    """The machine. A subclass plants a fault."""

    def fault(self, patch: pytest.MonkeyPatch) -> None:
        """Break the package; the machine must find it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.running = self.clock.running()
        self.running.__enter__()
        self.patch = pytest.MonkeyPatch()
        self.fault(self.patch)
        self.cache = ClockCache(self.clock.time)
        made = {name: memory_app(self.cache, name) for name in "ab"}
        self.apps = {name: app for name, (app, _) in made.items()}
        self.providers = {name: provider for name, (_, provider) in made.items()}
        self.jars = {name: Jar(self.clock.time) for name in ("alice", "bob", "mallory")}
        self.members = {(b, a): Member() for b in self.jars for a in self.apps}
        self.begun: list[Begun] = []
        self.slow: list[Slow] = []
        self.stolen: list[Jar] = []
        self.dead: set[str] = set()
        self.login_ids: set[str] = set()

    def teardown(self) -> None:
        """Finish what is pending: nothing may have been lost."""
        try:
            for (browser, app), member in self.members.items():
                for login in list(member.pending):
                    self.finish(browser, app, login)
        finally:
            self.patch.undo()
            self.running.__exit__(None, None, None)

    # What users do

    @rule(browser=BROWSERS, app=APPS, number=NUMBERS)
    def begins(self, browser: str, app: str, number: int) -> None:
        """A user clicks on "log in"."""
        answer = self.visit(browser, app, "GET", f"/login?next=/next/{number}")
        assert (answer.status, answer.location is None) == (302, False)
        state = parse_qs(urlsplit(str(answer.location)).query)["state"][0]
        end = self.clock.time() + LOGIN_LIFETIME
        login = Begun(browser, app, state, f"/next/{number}", end)
        self.begun.append(login)
        member = self.members[browser, app]
        member.pending = [old for old in member.pending if self.is_pending(old)]
        for old in member.pending[: -(MAX_PENDING - 1)]:
            old.pending = False
        member.pending = [*member.pending[-(MAX_PENDING - 1) :], login]
        self.agrees(browser, app)

    @rule(browser=BROWSERS, app=APPS, tabs=st.integers(2, 6))
    def opens_tabs(self, browser: str, app: str, tabs: int) -> None:
        """A user opens several links that need a login."""
        for number in range(tabs):
            self.begins(browser, app, number)

    @precondition(lambda self: self.any_pending())
    @rule(browser=BROWSERS, app=APPS, tabs=st.integers(1, 4))
    def finishes_tabs(self, browser: str, app: str, tabs: int) -> None:
        """A user comes back in the tabs that were opened last."""
        for login in self.members[browser, app].pending[-tabs:]:
            self.finish(browser, app, login)

    @precondition(lambda self: self.begun)
    @rule(browser=BROWSERS, app=APPS)
    def finishes_oldest(self, browser: str, app: str) -> None:
        """A user comes back in the oldest tab, which may be one too many."""
        now, place = self.clock.time(), (browser, app)
        tabs = [tab for tab in self.begun if (tab.browser, tab.app) == place and not tab.used]
        for tab in [tab for tab in tabs if tab.end > now][:1]:
            self.finish(browser, app, tab)

    @precondition(lambda self: self.begun)
    @rule(browser=BROWSERS, number=NUMBERS)
    def finishes_any(self, browser: str, number: int) -> None:
        """A browser comes back with any state that was ever given out."""
        login = self.begun[number % len(self.begun)]
        self.finish(browser, login.app, login)

    @precondition(lambda self: self.any_pending())
    @rule(number=NUMBERS)
    def finishes_own(self, number: int) -> None:
        """A user comes back from the provider."""
        pending = self.any_pending()
        login = pending[number % len(pending)]
        self.finish(login.browser, login.app, login)

    @precondition(lambda self: self.any_pending())
    @rule(number=NUMBERS, at=st.integers(1, 8), last=st.booleans())
    def finishes_twice_at_once(self, number: int, at: int, last: bool) -> None:
        """A second callback of the same login runs in the middle of the first."""
        pending = self.any_pending()
        login = pending[number % len(pending)]
        jar, answers = self.jars[login.browser].copy(), []
        codes = [secrets.token_hex(8), secrets.token_hex(8)]

        def second() -> None:
            answers.append(
                self.ask(login.app, "GET", f"/callback?code={codes[1]}&state={login.state}", jar)
            )

        answers.append(self.interrupted(at, second, login, codes[0], jar))
        provider = self.providers[login.app]
        sent = [code for code in codes if provider.requests[code]]
        assert [provider.requests[code] for code in sent] == [1]
        assert [answer.location for answer in answers].count(login.next) == 1
        self.logged_in(login, provider.tokens[sent[0]])
        for answer in answers if last else reversed(answers):
            self.jars[login.browser].receive(answer.set_cookies)
        self.agrees(login.browser, login.app)

    @precondition(lambda self: self.any_pending())
    @rule(browser=BROWSERS, app=APPS, at=st.integers(1, 8), last=st.booleans())
    def finishes_two_at_once(self, browser: str, app: str, at: int, last: bool) -> None:
        """The callback of another tab runs in the middle of one: the browser keeps the last."""
        member, jar = self.members[browser, app], self.jars[browser].copy()
        tabs = [login for login in member.pending if self.is_pending(login)][-2:]
        if len(tabs) < 2:
            return
        codes, answers = [secrets.token_hex(8) for _ in tabs], []

        def second() -> None:
            path = f"/callback?code={codes[1]}&state={tabs[1].state}"
            answers.append(self.ask(app, "GET", path, jar))

        answers.append(self.interrupted(at, second, tabs[0], codes[0], jar))
        assert {answer.location for answer in answers} == {login.next for login in tabs}
        tokens = [self.providers[app].tokens[code] for code in codes]
        came = [(answers[0], tabs[1], tokens[1]), (answers[-1], tabs[0], tokens[0])]
        for answer, login, token in came if last else came[::-1]:
            self.jars[browser].receive(answer.set_cookies)
            if member.token in tokens:  # the first is not ended: it did not see the other's cookie
                member.token = None
            self.logged_in(login, token)
        self.agrees(browser, app)

    @precondition(lambda self: self.any_pending())
    @rule(number=NUMBERS, at=st.integers(1, 8))
    def logs_out_while_finishing(self, number: int, at: int) -> None:
        """A logout runs in the middle of a callback; what it ended is not brought back."""
        pending = self.any_pending()
        login = pending[number % len(pending)]
        member = self.members[login.browser, login.app]
        jar, code = self.jars[login.browser].copy(), secrets.token_hex(8)

        def log_out() -> None:
            answer = self.ask(login.app, "POST", "/logout", jar)
            assert answer.status == 303
            self.jars[login.browser].receive(answer.set_cookies)
            self.ended(member)

        answer = self.interrupted(at, log_out, login, code, jar)
        assert answer.location == login.next
        self.jars[login.browser].receive(answer.set_cookies)
        self.logged_in(login, self.providers[login.app].tokens[code])
        self.agrees(login.browser, login.app)

    @rule(browser=BROWSERS, app=APPS)
    def logs_out(self, browser: str, app: str) -> None:
        """A user clicks on "log out"."""
        before = self.ids(browser, app)
        answer = self.visit(browser, app, "POST", "/logout")
        assert (answer.status, answer.location) == (303, "/")
        self.ended(self.members[browser, app])
        after = self.ids(browser, app)
        assert after["login"] is None
        assert before["session"] is None or before["session"] != after["session"]
        self.agrees(browser, app)

    @rule(browser=BROWSERS, app=APPS)
    def puts_into_cart(self, browser: str, app: str) -> None:
        """A user does something that the app keeps in the session."""
        assert self.visit(browser, app, "GET", "/cart/apples").status == 200

    # What comes late

    @rule(browser=BROWSERS, app=APPS, writes=st.booleans())
    def slow_request_begins(self, browser: str, app: str, writes: bool) -> None:
        """A request reads the session and is slow from there on."""
        session_id = self.ids(browser, app)["session"]
        value, _ = self.cache.records.get(f"session:{session_id}", (None, 0.0))
        if value is None:
            session_id = None
        self.slow.append(Slow(browser, app, session_id, deepcopy(value or {}), writes))

    @precondition(lambda self: self.slow)
    @rule(number=NUMBERS)
    def slow_request_ends(self, number: int) -> None:
        """It writes the session as it was then, and its old id into the browser."""
        slow = self.slow.pop(number % len(self.slow))
        if slow.writes:
            slow.record["visits"] = number
        if slow.record:
            session_id = slow.session_id or secrets.token_urlsafe(32)
            end = self.clock.time() + 31 * 86_400
            self.cache.records[f"session:{session_id}"] = (slow.record, end)
            self.jars[slow.browser].put(f"session_{slow.app}", session_id)
        self.agrees(slow.browser, slow.app)

    @rule(browser=BROWSERS, app=APPS, writes=st.booleans(), logs_out=st.booleans())
    def slow_request_over(self, browser: str, app: str, writes: bool, logs_out: bool) -> None:
        """A request begins before a user logs in, and perhaps out again, and ends after it."""
        self.begins(browser, app, 0)
        self.slow_request_begins(browser, app, writes)
        self.finish(browser, app, self.begun[-1])
        if logs_out:
            self.logs_out(browser, app)
        self.slow_request_ends(len(self.slow) - 1)

    @rule(seconds=st.sampled_from([1, 60, 300, 599, 601, 86_400, TOKEN_LIFETIME]))
    def time_passes(self, seconds: int) -> None:
        """Logins and grants grow old."""
        self.clock.go_on(seconds)

    # What thieves do

    @rule(browser=BROWSERS)
    def is_robbed(self, browser: str) -> None:
        """Somebody copies a cookie jar."""
        self.stolen.append(self.jars[browser].copy())

    @precondition(lambda self: self.stolen)
    @rule(number=NUMBERS, app=APPS)
    def thief_looks(self, number: int, app: str) -> None:
        """Somebody uses a jar that was copied before."""
        answer = self.ask(app, "GET", "/me", self.stolen[number % len(self.stolen)])
        assert answer.status == 401 or answer.body not in self.dead

    @precondition(lambda self: self.stolen and self.begun)
    @rule(number=NUMBERS)
    def thief_replays(self, number: int) -> None:
        """Somebody sends a callback again that was seen before, with a jar that was copied."""
        login = self.begun[number % len(self.begun)]
        if not self.is_pending(login):
            jar, code = self.stolen[number % len(self.stolen)], secrets.token_hex(8)
            self.ask(login.app, "GET", f"/callback?code={code}&state={login.state}", jar)
            assert self.providers[login.app].requests[code] == 0

    # What must hold

    @invariant()
    def secrets_stay(self) -> None:
        """No login cookie's value is in a key of the cache, and no session record holds a token."""
        keys = "\n".join(self.cache.records)
        assert not [value for value in self.login_ids if value in keys]
        sessions = str([v for k, (v, _) in self.cache.records.items() if k.startswith("session:")])
        for provider in self.providers.values():
            assert not [token for token in provider.tokens.values() if token in sessions]

    def agrees(self, browser: str, app: str) -> None:
        """Assert that the protected view knows who is logged in here."""
        member = self.members[browser, app]
        live = member.token if member.end > self.clock.time() else None
        answer = self.ask(app, "GET", "/me", self.jars[browser].copy())
        expected = (200, live) if live else (401, None)
        assert (answer.status, answer.body if answer.status == 200 else None) == expected, (
            answer.body
        )

    # Steps

    def finish(self, browser: str, app: str, login: Begun) -> None:
        """Send a callback, and assert that it counts only where it must."""
        member, code = self.members[browser, app], secrets.token_hex(8)
        before, good = self.ids(browser, app), login.browser == browser and self.is_pending(login)
        answer = self.visit(browser, app, "GET", f"/callback?code={code}&state={login.state}")
        assert self.providers[app].requests[code] == int(good)
        after = self.ids(browser, app)
        if good:
            assert (answer.status, answer.location) == (303, login.next)
            self.logged_in(login, self.providers[app].tokens[code])
            for kind in before:
                assert before[kind] is None or before[kind] != after[kind]
        else:
            live = member.end > self.clock.time() and member.token is not None
            expected = (303, "/after-login") if live else (400, None)
            assert (answer.status, answer.location) == expected
        self.agrees(browser, app)

    def interrupted(
        self, at: int, event: Callable[[], None], login: Begun, code: str, jar: Jar
    ) -> Answer:
        """Send a callback and let *event* happen before the cache's operation number *at*."""
        seen = 0

        def count(*_: str) -> None:
            nonlocal seen
            seen += 1
            if seen == at:
                event()

        self.cache.before = count
        path = f"/callback?code={code}&state={login.state}"
        try:
            answer = self.ask(login.app, "GET", path, jar)
        finally:
            self.cache.before = lambda *_: None
        if seen < at:
            event()
        return answer

    def logged_in(self, login: Begun, token: str) -> None:
        """Remember that a login was finished."""
        member = self.members[login.browser, login.app]
        login.pending, login.used = False, True
        member.pending = [other for other in member.pending if other is not login]
        self.ended(member)
        member.token, member.end = token, self.clock.time() + TOKEN_LIFETIME

    def ended(self, member: Member) -> None:
        """Remember that a grant is over for good."""
        if member.token is not None:
            self.dead.add(member.token)
        member.token = None

    def is_pending(self, login: Begun) -> bool:
        """Tell whether a login can still be finished."""
        return login.pending and login.end > self.clock.time()

    def any_pending(self) -> list[Begun]:
        """Return the logins that can still be finished."""
        return [login for login in self.begun if self.is_pending(login)]

    def visit(self, browser: str, app: str, method: str, path: str) -> Answer:
        """Send a request and keep the cookies that come."""
        answer = self.ask(app, method, path, self.jars[browser])
        self.jars[browser].receive(answer.set_cookies)
        return answer

    def ask(self, app: str, method: str, path: str, jar: Jar) -> Answer:
        """Send a request and remember the login ids that are given out."""
        answer = ask(self.apps[app], method, path, jar)
        if answer.status == 500:
            raise RuntimeError(answer.body)
        fresh = Jar(self.clock.time)
        fresh.receive(answer.set_cookies)
        if fresh.login_id is not None:
            self.login_ids.add(fresh.login_id)
        return answer

    def ids(self, browser: str, app: str) -> dict[str, str | None]:
        """Return the session id and the login id of a browser in an app."""
        jar, prefix = self.jars[browser], self.apps[app].extensions["altdentifier"]
        name = f"__Host-altdentifier_{prefix.settings.client_hash}"
        return {"session": jar.get(f"session_{app}"), "login": jar.get(name)}
