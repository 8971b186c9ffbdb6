"""The model finds each fault that is planted: it is no model that everything agrees with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import g, session
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from flask_altdentifier import cookies, current, pending, sessions
from flask_altdentifier.errors import StateError
from flask_altdentifier.installed import installed
from flask_altdentifier.pending import PendingLogin
from flask_altdentifier.provider import Provider
from flask_altdentifier.store import Store

from .model import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask_altdentifier.grant import Grant

    Fault = Callable[[pytest.MonkeyPatch], None]


def take_that_does_not_delete(patch: pytest.MonkeyPatch) -> None:
    """A state can be used for as long as it lives."""
    patch.setattr(Store, "take", Store.get)


def take_that_does_not_look(patch: pytest.MonkeyPatch) -> None:
    """Two callers that read the record before either deletes it both have it."""

    def take(self: Store, kind: Any, name: str, *read: Any) -> Any:
        record = self.get(kind, name, *read)
        self.drop(kind, name)
        return record

    patch.setattr(Store, "take", take)


def login_in_the_session(patch: pytest.MonkeyPatch) -> None:
    """The login id is kept where slow requests write."""
    patch.setattr(cookies, "login_id", lambda: session.get("login"))
    patch.setattr(cookies, "set_login_id", lambda value, _: session.update(login=value))
    patch.setattr(cookies, "delete_login_id", lambda: session.pop("login", None))


def states_in_the_session_alone(patch: pytest.MonkeyPatch) -> None:
    """No cookie vouches for a state, so a slow request loses it."""
    patch.setattr(cookies, "vouched_states", dict)


def state_from_any_browser(patch: pytest.MonkeyPatch) -> None:
    """Whoever knows a state can use it."""

    class Anything(dict[str, int]):
        def __contains__(self, state: object) -> bool:
            return True

    patch.setattr(cookies, "vouched_states", Anything)


def session_id_that_stays(patch: pytest.MonkeyPatch) -> None:
    """Who planted the session id is in the session after the login."""
    patch.setattr(sessions, "change_id", lambda: None)


def login_id_that_stays(patch: pytest.MonkeyPatch) -> None:
    """Who planted the login id is logged in after the login."""
    fresh = cookies.new_login_id
    patch.setattr(cookies, "new_login_id", lambda: cookies.login_id() or fresh())


def lifetime_that_is_not_checked(patch: pytest.MonkeyPatch) -> None:
    """A login that was begun a week ago can be finished."""
    put, read = Store.put, PendingLogin.from_record

    def put_for_good(self: Store, kind: Any, name: str, record: Any, lifetime: float) -> None:
        put(self, kind, name, record, 10**8 if kind == "login" else lifetime)

    patch.setattr(Store, "put", put_for_good)
    patch.setattr(PendingLogin, "from_record", lambda r: read({**r, "expires_at": 10**12}))


def logout_of_the_cookie_alone(patch: pytest.MonkeyPatch) -> None:
    """The grant outlives the logout and the second login, for old jars."""
    drop = Store.drop
    patch.setattr(Store, "drop", lambda *record: None if "grant" in record else drop(*record))


def cookie_that_is_the_key(patch: pytest.MonkeyPatch) -> None:
    """Who reads the store's keys is logged in as anybody."""
    patch.setattr(current, "hashed", lambda secret: secret)


def token_in_the_session(patch: pytest.MonkeyPatch) -> None:
    """The access token is kept in the session too."""
    fill = current.Reservation.fill

    def fill_both(self: current.Reservation, grant: Any) -> None:
        fill(self, grant)
        session["token"] = grant.access_token

    patch.setattr(current.Reservation, "fill", fill_both)


def tabs_without_end(patch: pytest.MonkeyPatch) -> None:
    """A browser may have fifty pending logins."""
    patch.setattr(pending, "MAX_PENDING", 50)


def four_tabs(patch: pytest.MonkeyPatch) -> None:
    """A browser may have four pending logins."""
    patch.setattr(pending, "MAX_PENDING", 4)


def store_in_the_session_alone(patch: pytest.MonkeyPatch) -> None:
    """All that the store should keep is kept in the session, where slow requests write."""

    def put(_: Store, kind: str, name: str, record: Any, __: float) -> None:
        session[f"{kind}:{name}"] = record

    def get(_: Store, kind: str, name: str, read: Callable[[Any], Any]) -> Any:
        record = session.get(f"{kind}:{name}")
        return None if record is None else read(record)

    def drop(_: Store, kind: str, name: str) -> None:
        session.pop(f"{kind}:{name}", None)

    def take(self: Store, kind: str, name: str, read: Callable[[Any], Any]) -> Any:
        record = get(self, kind, name, read)
        drop(self, kind, name)
        return record

    patch.setattr(Store, "_can_tell", lambda _: True)
    for method in (put, get, drop, take):
        patch.setattr(Store, method.__name__, method)


def state_checked_after_the_exchange(patch: pytest.MonkeyPatch) -> None:
    """The code is sent first, and whether the state may be used is asked then."""
    take, exchange = pending.take, Provider.exchange

    def look(state: str) -> PendingLogin | None:
        g.state = state
        return installed().store.get("login", state, PendingLogin.from_record)

    def exchange_then_check(self: Provider, code: str, **options: Any) -> Grant:
        grant = exchange(self, code, **options)
        if take(g.state) is None:
            raise StateError
        return grant

    patch.setattr(pending, "take", look)
    patch.setattr(Provider, "exchange", exchange_then_check)


FAULTS: list[Fault] = [
    take_that_does_not_delete,
    take_that_does_not_look,
    login_in_the_session,
    states_in_the_session_alone,
    state_from_any_browser,
    session_id_that_stays,
    login_id_that_stays,
    lifetime_that_is_not_checked,
    logout_of_the_cookie_alone,
    cookie_that_is_the_key,
    token_in_the_session,
    tabs_without_end,
    four_tabs,
    store_in_the_session_alone,
    state_checked_after_the_exchange,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_planted_fault(fault: Fault) -> None:
    """A package with this fault is told from a right one."""

    class Broken(Model):
        def fault(self, patch: pytest.MonkeyPatch) -> None:
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
