"""The model finds each fault that is planted, so it is no model that everything agrees with."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from flask import g, session
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from flask_altdentifier import login as login_module
from flask_altdentifier.browser import pending_logins
from flask_altdentifier.browser.cookies import BrowserCookies, StateCookie
from flask_altdentifier.browser.pending_logins import PendingLogin
from flask_altdentifier.browser.session import get_session_states
from flask_altdentifier.errors import StateError
from flask_altdentifier.grant import Grant
from flask_altdentifier.oauth.client import OAuthClient
from flask_altdentifier.records import Records
from flask_altdentifier.state import ExtensionState

from .model import Model

#: Not `from flask_altdentifier import current_grant`, which is the proxy of that name.
current_grant: Any = import_module("flask_altdentifier.current_grant")
log_in, end_login = current_grant.log_in, current_grant.end_login

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]
FAULTS: list[Fault] = []


def fault(plant: Fault) -> Fault:
    FAULTS.append(plant)
    return plant


def simple_fault(name: str, owner: Any, attribute: str, value: Any) -> None:
    """Add a fault that replaces one attribute."""

    def plant(patch: Patch) -> None:
        patch.setattr(owner, attribute, value)

    plant.__name__ = name
    FAULTS.append(plant)


def without_delete(kind: str) -> Callable[..., None]:
    """Return a `Records.delete` that leaves one kind of record alone."""
    delete = Records.delete
    return lambda self, other, name: None if other == kind else delete(self, other, name)


def accept(_: BrowserCookies, secret: str, __: str) -> StateCookie:
    return StateCookie.create(secret)


def find_in_session(_: BrowserCookies, secret: str, state: str) -> StateCookie | None:
    return StateCookie.create(secret) if state in get_session_states() else None


def find_in_either(cookies: BrowserCookies, secret: str, state: str) -> StateCookie | None:
    return find(cookies, secret, state) or find_in_session(cookies, secret, state)


def pop_in_two_steps(self: Records, kind: Any, name: str, parse: Any) -> Any:
    record = self.get(kind, name, parse)
    self.delete(kind, name)
    return record


def log_in_with_token_in_session(login: Any, grant: Grant) -> None:
    log_in(login, grant)
    session["token"] = grant.access_token


def log_in_beside_the_older_login(login: Any, grant: Grant) -> None:
    current_grant.end_login = lambda _: None
    try:
        log_in(login, grant)
    finally:
        current_grant.end_login = end_login


find, in_order = BrowserCookies.find_state_cookie, BrowserCookies.get_state_cookies
simple_fault("pop does not delete", Records, "pop", Records.get)
simple_fault("pop is not atomic", Records, "pop", pop_in_two_steps)
simple_fault("any browser", BrowserCookies, "find_state_cookie", accept)
simple_fault("session only", BrowserCookies, "find_state_cookie", find_in_session)
simple_fault(
    "session or cookie, as in version 1", BrowserCookies, "find_state_cookie", find_in_either
)
simple_fault("session id stays", current_grant, "regenerate_session_id", lambda *_: None)
simple_fault("older login stays", login_module, "log_in", log_in_beside_the_older_login)
simple_fault("late login", PendingLogin, "expired", False)
simple_fault("logout of the cookie only", Records, "delete", without_delete("grant"))
simple_fault("login cookie is the key", current_grant, "sha256_hex", lambda login_id: login_id)
simple_fault("token in the session", login_module, "log_in", log_in_with_token_in_session)
simple_fault("four tabs", pending_logins, "MAX_PENDING", 4)
simple_fault("fifty tabs", pending_logins, "MAX_PENDING", 50)
simple_fault("newest goes", BrowserCookies, "get_state_cookies", lambda *a: in_order(*a)[::-1])
simple_fault("made-up cookies", StateCookie, "parse", classmethod(lambda cls, _, text: cls(text)))


@fault
def login_in_the_session(patch: Patch) -> None:
    """A slow request loses it, or brings it back."""
    patch.setattr(BrowserCookies, "get_login_ids", lambda _: [session.get("login", "none")])
    patch.setattr(BrowserCookies, "set_login_id", lambda _, value, __: session.update(login=value))
    patch.setattr(BrowserCookies, "delete_login_id", lambda _: session.pop("login", None))


@fault
def login_id_stays(patch: Patch) -> None:
    """Who planted the login cookie is logged in."""
    create, ids = current_grant.create_login_id, BrowserCookies.get_login_ids

    def log_in_again(login: Any, grant: Grant) -> None:
        old = ids(login.cookies)
        patch.setattr(current_grant, "create_login_id", lambda: old[0] if old else create())
        log_in_beside_the_older_login(login, grant)

    patch.setattr(login_module, "log_in", log_in_again)


@fault
def grant_does_not_expire(patch: Patch) -> None:
    set_record, set_login_id = Records.set, BrowserCookies.set_login_id

    def set_for_years(self: Records, kind: Any, name: str, data: Any, ttl: float) -> None:
        set_record(self, kind, name, data, 10**8 if kind == "grant" else ttl)

    patch.setattr(Records, "set", set_for_years)
    patch.setattr(
        BrowserCookies, "set_login_id", lambda self, value, _: set_login_id(self, value, 10**8)
    )
    patch.setattr(Grant, "expired", False)


@fault
def dropped_tab_can_be_finished(patch: Patch) -> None:
    patch.setattr(Records, "delete", without_delete("pending"))
    patch.setattr(BrowserCookies, "delete_state_cookie", lambda *_: None)


@fault
def apps_share_records_and_cookies(patch: Patch) -> None:
    create = ExtensionState.__init__

    def create_alike(self: ExtensionState, *arguments: Any) -> None:
        create(self, *arguments)
        self.client_hash, self.key_prefix = "00000000", "altdentifier:0:"

    patch.setattr(ExtensionState, "__init__", create_alike)


@fault
def records_in_the_session(patch: Patch) -> None:
    """Slow requests bring used states and ended logins back."""
    real = {name: getattr(Records, name) for name in ("get", "set", "pop", "delete")}

    def method_of(name: str) -> Callable[..., Any]:
        def method(self: Records, kind: str, key: str, *rest: Any) -> Any:
            if kind == "session":
                return real[name](self, kind, key, *rest)
            if name == "set":
                return session.update({f"{kind}:{key}": rest[0]})
            record = session.get(f"{kind}:{key}")
            if name != "get":
                session.pop(f"{kind}:{key}", None)
            return rest[0](record) if record is not None and rest else None

        return method

    for name in real:
        patch.setattr(Records, name, method_of(name))


@fault
def state_is_checked_after_the_exchange(patch: Patch) -> None:
    pop, exchange = pending_logins.pop_pending_login, OAuthClient.exchange_code

    def look(login: Any, secret: str, state: str) -> PendingLogin | None:
        g.arguments = (login, secret, state)
        is_own = login.cookies.find_state_cookie(secret, state) is not None
        return login.records.get("pending", state, PendingLogin.from_record) if is_own else None

    def exchange_then_check(self: OAuthClient, code: str, **options: Any) -> Grant:
        grant = exchange(self, code, **options)
        if pop(*g.arguments) is None:
            raise StateError
        return grant

    patch.setattr(login_module, "pop_pending_login", look)
    patch.setattr(OAuthClient, "exchange_code", exchange_then_check)


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_planted_fault_is_found(plant: Fault) -> None:
    class Broken(Model):
        def plant_fault(self, patch: Patch) -> None:
            plant(patch)

    options = settings(
        max_examples=500,
        stateful_step_count=40,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Broken, settings=options)
