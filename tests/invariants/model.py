"""The invariants as a machine that plays users, thieves and slow requests against the package.

Three browsers, two apps on one store, and a clock that the machine turns. The machine remembers
which logins are pending and who is logged in. After each step the package must agree.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from .browser import Answer, callback, state_in
from .jar import Jar
from .memory import Clock, Store, ask, memory_app
from .provider import TOKEN_LIFETIME

LOGIN_LIFETIME = 600
MAX_PENDING = 5

# Most happens in one place, so that stories meet.
APPS = st.sampled_from("aaab")
BROWSERS = st.sampled_from(["alice", "alice", "alice", "bob", "mallory"])
NUMBERS = st.integers(0, 1000)
TABS = st.sampled_from([1, 1, 2, 5])
THEN = st.sampled_from(["nothing", "nothing", "oldest", "newest", "late"])


@dataclass
class Started:
    """A login that was started."""

    browser: str
    app: str
    state: str
    next: str
    end: float
    #: Neither used nor dropped.
    is_pending: bool = True
    is_used: bool = False


@dataclass
class Member:
    """What one browser is to one app."""

    token: str | None = None
    end: float = 0.0
    pending: list[Started] = field(default_factory=list)


@dataclass
class Slow:
    """A slow request: the session that it has read, and will write."""

    browser: str
    app: str
    session_id: str
    session: dict[str, Any]
    writes: bool


class Model(RuleBasedStateMachine):
    """The machine. A subclass plants a fault."""

    def plant_fault(self, patch: pytest.MonkeyPatch) -> None:
        """Break the package, so that the machine must find it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.running = self.clock.running()
        self.running.__enter__()
        self.patch = pytest.MonkeyPatch()
        self.plant_fault(self.patch)
        self.store = Store()
        made = {name: memory_app(self.store, name) for name in "ab"}
        self.apps = {name: app for name, (app, _) in made.items()}
        self.providers = {name: provider for name, (_, provider) in made.items()}
        self.jars = {name: Jar(self.clock.time) for name in ("alice", "bob", "mallory")}
        self.members = {(b, a): Member() for b in self.jars for a in self.apps}
        self.started: list[Started] = []
        self.slow: list[Slow] = []
        #: Tokens of grants that were ended.
        self.ended_tokens: set[str] = set()
        self.login_ids: set[str] = set()

    def teardown(self) -> None:
        """Finish what is pending, because nothing may have been lost."""
        try:
            for login in [login for m in self.members.values() for login in m.pending]:
                self.finish(login.browser, login.app, login)
        finally:
            self.patch.undo()
            self.running.__exit__(None, None, None)

    # What users do

    @rule(browser=BROWSERS, app=APPS, tabs=TABS, at_once=st.booleans(), then=THEN)
    def opens_tabs(self, browser: str, app: str, tabs: int, at_once: bool, then: str) -> None:
        """A user opens links to `/login`, one after the other or at once."""
        member, jar = self.members[browser, app], self.jars[browser].copy()
        before = [old for old in member.pending if self.is_pending(old)]
        kept = before[-(MAX_PENDING - 1) :]
        for number in range(tabs):
            answer = self.ask(app, f"/login?next=/next/{number}", jar)
            self.jars[browser].receive(answer.set_cookies)
            end = self.clock.time() + LOGIN_LIFETIME
            kept.append(Started(browser, app, state_in(answer), f"/next/{number}", end))
            self.started.append(kept[-1])
            if not at_once:
                jar, kept = self.jars[browser].copy(), kept[-MAX_PENDING:]
        kept = kept[-MAX_PENDING:]  # the rest is evicted by whatever this browser does next
        for login in [*before, *self.started[-tabs:]]:
            login.is_pending = login in kept
        member.pending = kept
        self.check(browser, app)
        if then == "late":
            self.clock.advance(LOGIN_LIFETIME + 1)
        if then != "nothing":
            oldest = [*before, *self.started[-tabs:]][0]
            self.finish(browser, app, self.started[-1] if then == "newest" else oldest)

    @precondition(lambda self: self.started)
    @rule(browser=BROWSERS, number=NUMBERS, is_own=st.booleans())
    def finishes(self, browser: str, number: int, is_own: bool) -> None:
        """A browser comes back with any state that was ever issued, or a user with a good one."""
        login = self.started[number % len(self.started)]
        if is_own and self.any_pending():
            login = self.pick_pending(number)
        self.finish(login.browser if is_own else browser, login.app, login)

    @precondition(lambda self: self.any_pending())
    @rule(number=NUMBERS, at=st.integers(1, 8), last=st.booleans())
    def finishes_twice_at_once(self, number: int, at: int, last: bool) -> None:
        """A second callback with the same state runs in the middle of the first."""
        login = self.pick_pending(number)
        jar, codes = self.jars[login.browser].copy(), [secrets.token_hex(8) for _ in range(2)]
        answers: list[Answer] = []

        def second() -> None:
            answers.append(self.ask(login.app, callback(login.state, codes[1]), jar))

        answers.append(self.interrupt(at, second, login, codes[0], jar))
        provider = self.providers[login.app]
        sent = [code for code in codes if provider.requests[code]]
        assert [provider.requests[code] for code in sent] == [1]
        assert [answer.location for answer in answers].count(login.next) == 1
        self.has_logged_in(login, provider.tokens[sent[0]])
        for answer in answers if last else reversed(answers):
            self.jars[login.browser].receive(answer.set_cookies)
        self.check(login.browser, login.app)

    @precondition(lambda self: self.any_pending())
    @rule(browser=BROWSERS, app=APPS, at=st.integers(1, 8), last=st.booleans())
    def finishes_two_at_once(self, browser: str, app: str, at: int, last: bool) -> None:
        """The callback of another tab runs in the middle of one. The browser keeps the last."""
        member, jar = self.members[browser, app], self.jars[browser].copy()
        tabs = [login for login in member.pending if self.is_pending(login)][-2:]
        if len(tabs) < 2:
            return
        codes, answers = [secrets.token_hex(8) for _ in tabs], []

        def second() -> None:
            answers.append(self.ask(app, callback(tabs[1].state, codes[1]), jar))

        answers.append(self.interrupt(at, second, tabs[0], codes[0], jar))
        assert {answer.location for answer in answers} == {login.next for login in tabs}
        tokens = [self.providers[app].tokens[code] for code in codes]
        came = [(answers[0], tabs[1], tokens[1]), (answers[-1], tabs[0], tokens[0])]
        for answer, login, token in came if last else came[::-1]:
            self.jars[browser].receive(answer.set_cookies)
            if member.token in tokens:  # it is not ended: the other did not see its cookie
                member.token = None
            self.has_logged_in(login, token)
        self.check(browser, app)

    @precondition(lambda self: self.any_pending())
    @rule(number=NUMBERS, at=st.integers(1, 8))
    def logs_out_while_finishing(self, number: int, at: int) -> None:
        login = self.pick_pending(number)
        jar, code = self.jars[login.browser].copy(), secrets.token_hex(8)

        def log_out() -> None:
            answer = self.ask(login.app, "/logout", jar, "POST")
            assert answer.status == 303
            self.jars[login.browser].receive(answer.set_cookies)
            self.has_ended(self.members[login.browser, login.app])

        answer = self.interrupt(at, log_out, login, code, jar)
        assert answer.location == login.next
        self.jars[login.browser].receive(answer.set_cookies)
        self.has_logged_in(login, self.providers[login.app].tokens[code])
        self.check(login.browser, login.app)

    @rule(browser=BROWSERS, app=APPS)
    def logs_out(self, browser: str, app: str) -> None:
        before, stolen = self.ids(browser, app), self.jars[browser].copy()
        answer = self.visit(browser, app, "/logout", "POST")
        assert (answer.status, answer.location) == (303, "/")
        self.has_ended(self.members[browser, app])
        after = self.ids(browser, app)
        assert after["login"] is None
        assert before["session"] is None or before["session"] != after["session"]
        self.is_useless(app, stolen)
        self.check(browser, app)

    @rule(browser=BROWSERS, app=APPS)
    def puts_into_cart(self, browser: str, app: str) -> None:
        assert self.visit(browser, app, "/cart/apples").status == 200

    @rule(seconds=st.sampled_from([1, 60, 300, 599, 601, 86_400, TOKEN_LIFETIME]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    # What comes late

    @rule(browser=BROWSERS, app=APPS, writes=st.booleans())
    def slow_request_begins(self, browser: str, app: str, writes: bool) -> None:
        session_id = str(self.ids(browser, app)["session"])
        record = self.store.records("session").get(self.session_key(app, session_id))
        session = json.loads(json.loads(record)["data"]) if record else {}
        session_id = session_id if record else secrets.token_urlsafe(32)
        self.slow.append(Slow(browser, app, session_id, session, writes))

    @precondition(lambda self: self.slow)
    @rule(number=NUMBERS)
    def slow_request_ends(self, number: int) -> None:
        """It writes the session that it has read, and sets its id, in any session interface."""
        slow = self.slow.pop(number % len(self.slow))
        if slow.writes:
            slow.session["visits"] = number
        if slow.session:
            key = self.session_key(slow.app, slow.session_id)
            record = {"kind": "session", "key": key, "data": json.dumps(slow.session)}
            self.store.set(key, json.dumps(record), 31 * 86_400)
            self.jars[slow.browser].put(f"session_{slow.app}", slow.session_id)
        self.check(slow.browser, slow.app)

    @rule(browser=BROWSERS, app=APPS, writes=st.booleans(), logs_out=st.booleans())
    def slow_request_over(self, browser: str, app: str, writes: bool, logs_out: bool) -> None:
        """A request begins before a login, and ends after it, or after the logout."""
        self.opens_tabs(browser, app, 1, False, "nothing")
        self.slow_request_begins(browser, app, writes)
        self.finish(browser, app, self.started[-1])
        if logs_out:
            self.logs_out(browser, app)
        self.slow_request_ends(len(self.slow) - 1)

    # What attackers do

    @rule(attacker=BROWSERS, victim=BROWSERS, app=APPS, finishes=st.booleans())
    def plants_session(self, attacker: str, victim: str, app: str, finishes: bool) -> None:
        """A sibling host sets the session cookie, which has no `__Host-` in its name."""
        if finishes:
            self.opens_tabs(attacker, app, 1, False, "nothing")
        session_id = self.ids(attacker, app)["session"]
        if session_id is not None:
            self.jars[victim].put(f"session_{app}", session_id)
        if finishes:
            self.finish(victim, app, self.started[-1])

    @rule(victim=BROWSERS, app=APPS)
    def plants_made_up_state_cookies(self, victim: str, app: str) -> None:
        name = self.login_cookie_name(app)
        for number in range(6):
            value = f"99{number:017}.{'A' * 43}.{'B' * 43}"
            self.jars[victim].put(f"{name}_state_{number:016}", value, LOGIN_LIFETIME)

    # What must hold

    @invariant()
    def secrets_stay_secret(self) -> None:
        """No key contains a login id, and no session contains a token."""
        keys = "\n".join(self.store._records)
        assert not [value for value in self.login_ids if value in keys]
        sessions = "".join(self.store.records("session").values())
        for provider in self.providers.values():
            assert not [token for token in provider.tokens.values() if token in sessions]

    def check(self, browser: str, app: str) -> None:
        """The protected view knows who is logged in here."""
        member = self.members[browser, app]
        live = member.token if member.end > self.clock.time() else None
        answer = self.ask(app, "/me", self.jars[browser].copy())
        assert answer.status in {200, 401}
        assert (answer.body if answer.status == 200 else None) == live

    def finish(self, browser: str, app: str, login: Started) -> None:
        """Send a callback, which counts only where it must."""
        member, code = self.members[browser, app], secrets.token_hex(8)
        is_own, stolen = login.browser == browser, self.jars[browser].copy()
        before, is_good = self.ids(browser, app), is_own and self.is_pending(login)
        answer = self.visit(browser, app, callback(login.state, code))
        assert self.providers[app].requests[code] == int(is_good)
        after = self.ids(browser, app)
        if is_good:
            assert (answer.status, answer.location) == (303, login.next)
            self.has_logged_in(login, self.providers[app].tokens[code])
            for kind in before:
                assert before[kind] is None or before[kind] != after[kind]
            self.is_useless(app, stolen, login)
        elif member.end > self.clock.time() and member.token is not None:
            # A login that is late still leads to its page.
            assert answer.status == 303
            assert answer.location in {"/after-login", login.next if is_own else None}
        else:
            assert answer.status == 400
        self.check(browser, app)

    def is_useless(self, app: str, stolen: Jar, login: Started | None = None) -> None:
        """Cookies that were copied before a login or logout are worth nothing after it."""
        assert self.ask(app, "/me", stolen).body not in self.ended_tokens
        if login is not None:
            self.ask(app, callback(login.state, "again"), stolen)
            assert self.providers[app].requests["again"] == 0

    # Steps

    def interrupt(
        self, at: int, event: Callable[[], None], login: Started, code: str, jar: Jar
    ) -> Answer:
        """Send a callback, and let *event* happen before the call number *at* of the store."""
        seen = 0

        def count(*_: str) -> None:
            nonlocal seen
            seen += 1
            if seen == at:
                event()

        self.store.before = count
        try:
            answer = self.ask(login.app, callback(login.state, code), jar)
        finally:
            self.store.work()
        if seen < at:
            event()
        return answer

    def has_logged_in(self, login: Started, token: str) -> None:
        member = self.members[login.browser, login.app]
        login.is_pending, login.is_used = False, True
        member.pending = [other for other in member.pending if other is not login]
        self.has_ended(member)
        member.token, member.end = token, self.clock.time() + TOKEN_LIFETIME

    def has_ended(self, member: Member) -> None:
        if member.token is not None:
            self.ended_tokens.add(member.token)
        member.token = None

    def is_pending(self, login: Started) -> bool:
        return login.is_pending and login.end > self.clock.time()

    def any_pending(self) -> list[Started]:
        return [login for login in self.started if self.is_pending(login)]

    def pick_pending(self, number: int) -> Started:
        pending = self.any_pending()
        return pending[number % len(pending)]

    def visit(self, browser: str, app: str, path: str, method: str = "GET") -> Answer:
        answer = self.ask(app, path, self.jars[browser], method)
        self.jars[browser].receive(answer.set_cookies)
        return answer

    def ask(self, app: str, path: str, jar: Jar, method: str = "GET") -> Answer:
        """Send a request, and remember the login id that is issued."""
        answer = ask(self.apps[app], path, jar, method)
        assert answer.status != 500
        assert len(answer.set_cookies) <= 8
        fresh = Jar(self.clock.time)
        fresh.receive(answer.set_cookies)
        if fresh.login_id is not None:
            self.login_ids.add(fresh.login_id)
        return answer

    def ids(self, browser: str, app: str) -> dict[str, str | None]:
        """Return the session id and the login id of a browser in an app."""
        jar = self.jars[browser]
        return {
            "session": jar.get(f"session_{app}"),
            "login": jar.get(self.login_cookie_name(app)),
        }

    def login_cookie_name(self, app: str) -> str:
        state = self.apps[app].extensions["altdentifier"]
        return f"__Host-altdentifier_{state.client_hash}"

    def session_key(self, app: str, session_id: str) -> str:
        records = self.apps[app].extensions["altdentifier"].records()
        return str(records.key("session", hashlib.sha256(session_id.encode()).hexdigest()))
