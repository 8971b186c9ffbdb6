"""The model finds each fault that is planted, so it is no model that everything agrees with."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import g, request, session
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from flask_altdentifier import login as login_module
from flask_altdentifier.browser import pending_logins, request_login
from flask_altdentifier.browser.cookies import BrowserCookies, StateCookie
from flask_altdentifier.browser.pending_logins import PendingLogin
from flask_altdentifier.browser.request_login import RequestLogin
from flask_altdentifier.browser.session import get_session_states
from flask_altdentifier.errors import StateError
from flask_altdentifier.grant import Grant
from flask_altdentifier.oauth.client import OAuthClient
from flask_altdentifier.records import Records
from flask_altdentifier.state import ExtensionState

from .model import Model

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


def accept(_: BrowserCookies) -> list[Any]:
    return [SimpleNamespace(state=request.args.get("state"))]


def find_in_session(_: BrowserCookies) -> list[Any]:
    return [SimpleNamespace(state=state) for state in get_session_states()]


def find_in_either(cookies: BrowserCookies) -> list[Any]:
    return [*find_in_session(cookies), *in_order(cookies)]


def pop_in_two_steps(self: Records, kind: Any, name: str, parse: Any) -> Any:
    record = self.get(kind, name, parse)
    self.delete(kind, name)
    return record


def log_in_with_token_in_session(login: RequestLogin, grant: Grant) -> None:
    log_in(login, grant)
    session["token"] = grant.access_token


def log_in_beside_the_older_login(login: RequestLogin, grant: Grant) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestLogin, "end", lambda _: None)
        log_in(login, grant)


in_order, log_in = BrowserCookies.get_state_cookies, RequestLogin.log_in
simple_fault("pop does not delete", Records, "pop", Records.get)
simple_fault("pop is not atomic", Records, "pop", pop_in_two_steps)
simple_fault("any browser", BrowserCookies, "get_state_cookies", accept)
simple_fault("session only", BrowserCookies, "get_state_cookies", find_in_session)
simple_fault(
    "session or cookie, as in version 1", BrowserCookies, "get_state_cookies", find_in_either
)
simple_fault("session id stays", request_login, "regenerate_session_id", lambda: None)
simple_fault("older login stays", RequestLogin, "log_in", log_in_beside_the_older_login)
simple_fault("late login", PendingLogin, "expired", False)
simple_fault("logout of the cookie only", Records, "delete", without_delete("grant"))
simple_fault("login cookie is the key", request_login, "sha256_hex", lambda login_id: login_id)
simple_fault("token in the session", RequestLogin, "log_in", log_in_with_token_in_session)
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

    def log_in_again(login: RequestLogin, grant: Grant) -> None:
        old = login.cookies.get_login_ids()
        with pytest.MonkeyPatch.context() as inner:
            if old:
                inner.setattr(
                    request_login, "secrets", SimpleNamespace(token_urlsafe=lambda _: old[0])
                )
            log_in_beside_the_older_login(login, grant)

    patch.setattr(RequestLogin, "log_in", log_in_again)


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

    def look(login: RequestLogin, state: str) -> PendingLogin | None:
        g.arguments = (login, state)
        is_own = state in {cookie.state for cookie in login.cookies.get_state_cookies()}
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
