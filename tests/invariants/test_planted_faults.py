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
from flask_altdentifier import state as state_module
from flask_altdentifier.browser import pending_logins
from flask_altdentifier.browser.cookies import BrowserCookies, StateCookie
from flask_altdentifier.browser.pending_logins import PendingLogin
from flask_altdentifier.browser.request_login import RequestLogin
from flask_altdentifier.browser.session import get_session_states
from flask_altdentifier.errors import StateError
from flask_altdentifier.grant import Grant
from flask_altdentifier.oauth.client import OAuthClient
from flask_altdentifier.records import Records

from .model import Model

#: Not `from flask_altdentifier import current_grant`, which is the proxy of that name.
current_grant: Any = import_module("flask_altdentifier.current_grant")

Patch = pytest.MonkeyPatch
Fault = Callable[[Patch], None]


def pop_does_not_delete(patch: Patch) -> None:
    patch.setattr(Records, "pop", Records.get)


def pop_is_not_atomic(patch: Patch) -> None:
    """Two callers that read the record before either deletes it both get it."""

    def pop(self: Records, kind: Any, name: str, parse: Any) -> Any:
        record = self.get(kind, name, parse)
        self.delete(kind, name)
        return record

    patch.setattr(Records, "pop", pop)


def login_id_is_kept_in_the_session(patch: Patch) -> None:
    def get(_: BrowserCookies) -> list[str]:
        return [session["login"]] if "login" in session else []

    patch.setattr(BrowserCookies, "get_login_ids", get)
    patch.setattr(BrowserCookies, "set_login_id", lambda _, value, __: session.update(login=value))
    patch.setattr(BrowserCookies, "delete_login_id", lambda _: session.pop("login", None))


def find_in_session(self: BrowserCookies, secret: str, state: str) -> StateCookie | None:
    return StateCookie.create(secret) if state in get_session_states() else None


def state_needs_the_session_only(patch: Patch) -> None:
    """A slow request loses it."""
    patch.setattr(BrowserCookies, "find_state_cookie", find_in_session)


def state_needs_session_or_cookie(patch: Patch) -> None:
    """Version 1. Who plants a session finishes a login in another browser."""
    find = BrowserCookies.find_state_cookie
    patch.setattr(BrowserCookies, "find_state_cookie", lambda *a: find(*a) or find_in_session(*a))


def state_is_accepted_from_any_browser(patch: Patch) -> None:
    patch.setattr(
        BrowserCookies, "find_state_cookie", lambda _, secret, __: StateCookie.create(secret)
    )


def session_id_stays(patch: Patch) -> None:
    patch.setattr(current_grant, "regenerate_session_id", lambda *_: None)


def login_id_stays(patch: Patch) -> None:
    """Who planted the login cookie is logged in after the login."""
    create = current_grant.create_login_id
    log_in = current_grant.log_in

    def log_in_again(login: RequestLogin, grant: Grant) -> None:
        ids = login.cookies.get_login_ids()
        current_grant.create_login_id = lambda: ids[0] if ids else create()
        patch.setattr(current_grant, "end_login", lambda *_: None)
        try:
            log_in(login, grant)
        finally:
            current_grant.create_login_id = create

    patch.setattr(login_module, "log_in", log_in_again)


def login_lifetime_is_not_checked(patch: Patch) -> None:
    """The record lives for twice as long."""
    patch.setattr(PendingLogin, "expired", False)


def grant_does_not_expire(patch: Patch) -> None:
    set_record, set_login_id = Records.set, BrowserCookies.set_login_id

    def set_for_years(self: Records, kind: Any, name: str, data: Any, ttl: float) -> None:
        set_record(self, kind, name, data, 10**8 if kind == "grant" else ttl)

    patch.setattr(Records, "set", set_for_years)
    patch.setattr(BrowserCookies, "set_login_id", lambda *a: set_login_id(*a[:2], 10**8))
    patch.setattr(Grant, "expired", False)


def logout_deletes_the_cookie_only(patch: Patch) -> None:
    delete = Records.delete
    patch.setattr(Records, "delete", lambda *a: None if "grant" in a else delete(*a))


def new_login_keeps_the_older_one(patch: Patch) -> None:
    end, log_in = current_grant.end_login, current_grant.log_in

    def log_in_beside(*arguments: Any) -> None:
        current_grant.end_login = lambda *_: None
        try:
            log_in(*arguments)
        finally:
            current_grant.end_login = end

    patch.setattr(login_module, "log_in", log_in_beside)


def login_cookie_is_the_key(patch: Patch) -> None:
    patch.setattr(current_grant, "sha256_hex", lambda login_id: login_id)


def session_has_the_token(patch: Patch) -> None:
    log_in = current_grant.log_in

    def log_in_twice(login: RequestLogin, grant: Grant) -> None:
        log_in(login, grant)
        session["token"] = grant.access_token

    patch.setattr(login_module, "log_in", log_in_twice)


def fifty_tabs(patch: Patch) -> None:
    patch.setattr(pending_logins, "MAX_PENDING", 50)
    patch.setattr(pending_logins, "MAX_EVICTED", 0)


def four_tabs(patch: Patch) -> None:
    patch.setattr(pending_logins, "MAX_PENDING", 4)


def newest_tab_is_dropped(patch: Patch) -> None:
    cookies = BrowserCookies.get_state_cookies
    patch.setattr(BrowserCookies, "get_state_cookies", lambda *a: cookies(*a)[::-1])


def dropped_tab_keeps_its_record(patch: Patch) -> None:
    delete = Records.delete
    patch.setattr(Records, "delete", lambda *a: None if "pending" in a else delete(*a))
    patch.setattr(BrowserCookies, "delete_state_cookie", lambda *_: None)


def made_up_state_cookies_count(patch: Patch) -> None:
    patch.setattr(StateCookie, "parse", classmethod(lambda cls, _, value: cls(value)))


def apps_share_records_and_cookies(patch: Patch) -> None:
    same = property(lambda _: "00000000", lambda *_: None)
    patch.setattr(state_module.ExtensionState, "client_hash", same, raising=False)
    patch.setattr(state_module, "_key_prefix", lambda *_: "altdentifier:0:")


def records_are_kept_in_the_session(patch: Patch) -> None:
    real = {name: getattr(Records, name) for name in ("get", "set", "pop", "delete")}

    def in_session(name: str) -> Callable[..., Any]:
        def method(self: Records, kind: str, key: str, *rest: Any) -> Any:
            if kind == "session":
                return real[name](self, kind, key, *rest)
            place = f"{kind}:{key}"
            if name == "set":
                session[place] = rest[0]
                return None
            record = session.get(place)
            if name != "get":
                session.pop(place, None)
            return rest[0](record) if record is not None and rest else None

        return method

    for name in real:
        patch.setattr(Records, name, in_session(name))


def state_is_checked_after_the_exchange(patch: Patch) -> None:
    pop, exchange = pending_logins.pop_pending_login, OAuthClient.exchange_code

    def look(login: RequestLogin, secret: str, state: str) -> PendingLogin | None:
        g.arguments = (login, secret, state)
        if login.cookies.find_state_cookie(secret, state) is None:
            return None
        return login.records.get("pending", state, PendingLogin.from_record)

    def exchange_then_check(self: OAuthClient, code: str, **options: Any) -> Grant:
        grant = exchange(self, code, **options)
        if pop(*g.arguments) is None:
            raise StateError
        return grant

    patch.setattr(login_module, "pop_pending_login", look)
    patch.setattr(OAuthClient, "exchange_code", exchange_then_check)


FAULTS: list[Fault] = [
    pop_does_not_delete,
    pop_is_not_atomic,
    login_id_is_kept_in_the_session,
    state_needs_the_session_only,
    state_needs_session_or_cookie,
    state_is_accepted_from_any_browser,
    session_id_stays,
    login_id_stays,
    login_lifetime_is_not_checked,
    grant_does_not_expire,
    logout_deletes_the_cookie_only,
    new_login_keeps_the_older_one,
    login_cookie_is_the_key,
    session_has_the_token,
    fifty_tabs,
    four_tabs,
    newest_tab_is_dropped,
    dropped_tab_keeps_its_record,
    made_up_state_cookies_count,
    apps_share_records_and_cookies,
    records_are_kept_in_the_session,
    state_is_checked_after_the_exchange,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_planted_fault_is_found(fault: Fault) -> None:
    class Broken(Model):
        def plant_fault(self, patch: Patch) -> None:
            fault(patch)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Broken,
            settings=settings(
                max_examples=500,
                stateful_step_count=40,
                database=None,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
