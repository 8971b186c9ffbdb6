"""Refreshing an expired grant, where that is switched on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cachelib import BaseCache, FileSystemCache, SimpleCache
from flask import Flask
from flask.testing import FlaskClient

from flask_altdentifier import current_grant, refresh, requires, requires_scope, signals
from flask_altdentifier.errors import ProviderTimeout
from flask_altdentifier.transport import Response

from .support import (
    FakeAltDentifier,
    altdentifier,
    begin,
    cookies_of,
    extension,
    finish,
    log_in,
    make_app,
    reason,
)

Clock = Callable[[float], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let time pass: call it with seconds."""
    passed = 0.0
    now, steady = time.time, time.monotonic

    def let_pass(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(time, "time", lambda: now() + passed)
    monkeypatch.setattr(time, "monotonic", lambda: steady() + passed)
    return let_pass


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BaseCache:
    """A store of each kind that needs no server."""
    if request.param == "memory":
        return SimpleCache(threshold=100_000)
    return FileSystemCache(str(tmp_path), threshold=100_000)


@pytest.fixture
def app(store: BaseCache) -> Flask:
    """An app that refreshes."""
    app = make_app(ALTDENTIFIER_REFRESH=True, ALTDENTIFIER_STORE=store, ALTDENTIFIER_TIMEOUT=1)
    app.add_url_rule("/token", "token", lambda: current_grant.access_token)
    return app


WEEK = 604_800


def forms(app: Flask) -> list[Mapping[str, str]]:
    """Return what was sent to the token endpoint to refresh."""
    return [
        form
        for _, _, _, form in altdentifier(app).requests
        if form["grant_type"] == "refresh_token"
    ]


def test_off_by_default(clock: Clock) -> None:
    """Without the switch an expired grant ends, and nothing is asked."""
    app = make_app()
    client = app.test_client()
    log_in(client)
    clock(WEEK + 5)
    assert client.get("/me").status_code == 401
    assert forms(app) == []


def test_expired_grant_is_refreshed(app: Flask, client: FlaskClient, clock: Clock) -> None:
    """The view gets a new token; cookie and session stay as they are."""
    log_in(client)
    before = cookies_of(client)
    assert client.get("/token").text == "blablatoken0"
    clock(WEEK + 5)
    response = client.get("/token")
    assert response.text == "blablatoken1"
    assert "Set-Cookie" not in response.headers
    assert client.get("/token").text == "blablatoken1"
    assert cookies_of(client) == before
    assert forms(app) == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "blablarefreshtoken",
            "client_id": "the-client",
            "client_secret": "the-secret",
        }
    ]


def test_refreshed_grant_is_refreshed_again(app: Flask, client: FlaskClient, clock: Clock) -> None:
    """A rotated refresh token is the next to be sent; one that is not rotated stays good."""
    provider = altdentifier(app)
    log_in(client)
    for number, sent in enumerate(["rotated", None, None], start=1):
        provider.token = {"refresh_token": sent}
        clock(WEEK + 5)
        assert client.get("/token").text == f"blablatoken{number}"
    assert [form["refresh_token"] for form in forms(app)] == [
        "blablarefreshtoken",
        "rotated",
        "rotated",
    ]


def test_login_ends_a_month_after_its_first_token(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    """A login is not kept for ever."""
    log_in(client)
    clock(WEEK + refresh.LIFETIME + 5)
    assert client.get("/me").status_code == 401
    assert forms(app) == []


def test_refresh_never_widens_the_scope(app: Flask, client: FlaskClient, clock: Clock) -> None:
    """A refreshed grant covers at most what the user granted; an absent scope means the same."""
    provider = altdentifier(app)
    log_in(client)
    provider.token = {"scope": "read:user write:integrations"}
    clock(WEEK + 5)
    assert client.get("/me").json == ["read:user"]
    provider.token = {"scope": None}
    clock(WEEK + 5)
    assert client.get("/me").json == ["read:user"]


def test_grant_without_refresh_token_ends(app: Flask, client: FlaskClient, clock: Clock) -> None:
    """What cannot be refreshed ends."""
    altdentifier(app).token = {"refresh_token": None}
    log_in(client)
    clock(WEEK + 5)
    assert client.get("/me").status_code == 401
    assert forms(app) == []


def test_refused_refresh_ends_the_login(app: Flask, client: FlaskClient, clock: Clock) -> None:
    """A 400 means that the user has to log in again; it is asked once."""
    log_in(client)
    altdentifier(app).status = 400
    clock(WEEK + 5)
    assert client.get("/me").status_code == 401
    assert client.get("/me").status_code == 401
    assert len(forms(app)) == 1


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "client_credentials_rejected"),
        (429, "provider_unavailable"),
        (500, "provider_error"),
    ],
)
def test_failed_refresh_is_tried_again(
    app: Flask, client: FlaskClient, clock: Clock, status: int, why: str
) -> None:
    """Another failure is the provider's or the app's: nobody is logged out for it."""
    log_in(client)
    clock(WEEK + 5)
    altdentifier(app).status = status
    assert reason(client.get("/me")) == why
    altdentifier(app).status = 200
    assert client.get("/me").status_code == 200


def test_logout_is_final(app: Flask, client: FlaskClient, clock: Clock) -> None:
    """A logout ends what was refreshed too, and refreshes nothing to drop it."""
    told: list[Any] = []
    log_in(client)
    clock(WEEK + 5)
    client.get("/me")
    clock(WEEK + 5)
    jar = cookies_of(client)
    with signals.logged_out.connected_to(lambda _, grant: told.append(grant.scope), app):
        client.post("/logout")
    assert len(forms(app)) == 1
    assert told == [{"read:user"}]
    for name, value in jar.items():
        client.set_cookie(name, value)
    assert client.get("/me").status_code == 401


def kept(store: BaseCache) -> list[str]:
    """Return the keys of what the store still has of logins that are over."""
    if isinstance(store, FileSystemCache):
        return [path for path in store._list_dir() if path]
    assert isinstance(store, SimpleCache)
    return [key for key in store._cache if ":refreshing:" not in key]


def test_logout_leaves_nothing(
    store: BaseCache, app: Flask, client: FlaskClient, clock: Clock
) -> None:
    """After a logout no record of the login is left in the store."""
    assert not kept(store)
    log_in(client)
    assert kept(store)
    client.post("/logout")
    assert not kept(store)


def test_refused_refresh_leaves_nothing(client: FlaskClient, app: Flask, clock: Clock) -> None:
    """A login that AltDentifier does not refresh any more leaves no record in the store."""
    cache = extension(app).store.cache
    log_in(client)
    altdentifier(app).status = 400
    clock(WEEK + 5)
    client.get("/me")
    if isinstance(cache, SimpleCache):
        assert not kept(cache)


def test_login_that_a_receiver_refuses_leaves_nothing(app: Flask, client: FlaskClient) -> None:
    """A login that a receiver stops is gone with its ticket."""
    cache = extension(app).store.cache

    def refuse(_: Flask, grant: Any) -> None:
        raise ValueError("not this one")

    with signals.logged_in.connected_to(refuse, app), pytest.raises(ValueError, match="not this"):
        log_in(client)
    if isinstance(cache, SimpleCache):
        assert not kept(cache)


class Slow(FakeAltDentifier):
    """Answers after an event, and tells when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()

    def request(self, *args: Any, **kwargs: Any) -> Response:
        response = super().request(*args, **kwargs)
        self.asked.set()
        self.go.wait(5)
        return response


def slow_app(store: BaseCache, **config: Any) -> tuple[Flask, Slow, FlaskClient]:
    """Return an app with a login that has expired but for time, and a slow AltDentifier."""
    app = make_app(ALTDENTIFIER_REFRESH=True, ALTDENTIFIER_STORE=store, **config)
    provider = extension(app).transport = Slow()
    provider.go.set()
    client = app.test_client()
    log_in(client)
    provider.asked.clear()
    provider.go.clear()
    return app, provider, client


def copy_of(app: Flask, client: FlaskClient) -> FlaskClient:
    """Return another client with the same cookies."""
    copy = app.test_client()
    for name, value in cookies_of(client).items():
        copy.set_cookie(name, value)
    return copy


def test_one_of_many_refreshes(store: BaseCache, clock: Clock) -> None:
    """Sixteen requests at once send one refresh request, and all get its token."""
    app, provider, client = slow_app(store)
    clock(WEEK + 5)
    clients = [copy_of(app, client) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(other.get, "/me") for other in clients]
        provider.asked.wait(5)
        time.sleep(0.2)
        provider.go.set()
        assert [future.result().status_code for future in futures] == [200] * 16
    assert len(forms(app)) == 1


def test_logout_during_a_refresh_is_final(store: BaseCache, clock: Clock) -> None:
    """A refresh that ends after a logout does not bring the login back."""
    app, provider, client = slow_app(store)
    clock(WEEK + 5)
    other = copy_of(app, client)
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(other.get, "/me")
        provider.asked.wait(5)
        assert client.post("/logout").status_code == 303
        provider.go.set()
        assert refreshing.result().status_code == 401
    assert other.get("/me").status_code == 401
    assert len(forms(app)) == 1
    if isinstance(store, SimpleCache):
        assert not kept(store)


def test_logout_during_a_refresh_that_fails_leaves_nothing(store: BaseCache, clock: Clock) -> None:
    """A refresh that fails after a logout puts no ticket back."""
    app, provider, client = slow_app(store)
    clock(WEEK + 5)
    other, provider.status = copy_of(app, client), 500
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(other.get, "/me")
        provider.asked.wait(5)
        client.post("/logout")
        provider.go.set()
        refreshing.result()
    if isinstance(store, SimpleCache):
        assert not kept(store)


def test_logout_ends_the_wait_for_a_refresh(store: BaseCache, clock: Clock) -> None:
    """Who waits for a refresh that another does is told at once that a logout came first."""
    app, provider, client = slow_app(store)
    clock(WEEK + 5)
    first, second = copy_of(app, client), copy_of(app, client)
    with ThreadPoolExecutor(2) as pool:
        refreshing = pool.submit(first.get, "/me")
        provider.asked.wait(5)
        waiting = pool.submit(second.get, "/me")
        time.sleep(0.1)
        client.post("/logout")
        assert waiting.result(timeout=2).status_code == 401
        provider.go.set()
        assert refreshing.result().status_code == 401


def test_refresh_whose_worker_died_ends_the_login(store: BaseCache, clock: Clock) -> None:
    """Where the ticket is gone for good, the wait is bounded and the next visit is a login."""
    app, provider, client = slow_app(store, ALTDENTIFIER_TIMEOUT=0.2)
    name, _ = next_login(app, client)
    clock(WEEK + 5)
    provider.go.set()
    assert client.get("/me").status_code == 200
    clock(WEEK + 5)
    assert extension(app).store.take("ticket", name, bool)
    extension(app).store.drop("refreshing", name)
    provider.asked.clear()
    start = time.monotonic()
    assert client.get("/me").status_code == 401
    assert 0.2 <= time.monotonic() - start < 1.2
    start = time.monotonic()
    assert client.get("/me").status_code == 401
    assert time.monotonic() - start < 0.2
    assert not provider.asked.is_set()
    if isinstance(store, SimpleCache):
        assert not kept(store)


def test_refresh_that_takes_long_elsewhere_is_waited_for_again(
    store: BaseCache, clock: Clock
) -> None:
    """While another worker is at it nobody is logged out; who waited too long is told so."""
    app, provider, client = slow_app(store, ALTDENTIFIER_TIMEOUT=0.3)
    clock(WEEK + 5)
    other = copy_of(app, client)
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(other.get, "/me")
        provider.asked.wait(5)
        assert reason(client.get("/me")) == "provider_timeout"
        provider.go.set()
        assert refreshing.result().status_code == 200
    assert client.get("/me").status_code == 200
    assert len(forms(app)) == 1


def next_login(app: Flask, client: FlaskClient) -> tuple[str, str]:
    """Return the name of a client's login in the store, and its cookie's value."""
    from flask_altdentifier.store import hashed

    [value] = [v for n, v in cookies_of(client).items() if n.startswith("altdentifier")]
    return hashed(value), value


def test_late_ticket_holder_sees_what_was_refreshed(
    store: BaseCache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looked before and takes the ticket after a refresh does not refresh again."""
    app, provider, client = slow_app(store)
    provider.go.set()
    clock(WEEK + 5)
    real = refresh._refreshed
    looks = iter([False])

    def late(name: str, first: Any) -> Any:
        if next(looks, True):
            return real(name, first)
        copy_of(app, client).get("/me")
        return first

    monkeypatch.setattr(refresh, "_refreshed", late)
    assert client.get("/me").status_code == 200
    assert len(forms(app)) == 1


def test_timeout_of_a_refresh(app: Flask, client: FlaskClient, clock: Clock) -> None:
    """A refresh that takes too long is the provider's 504, and the login lives on."""
    log_in(client)
    clock(WEEK + 5)
    altdentifier(app).error = ProviderTimeout()
    assert reason(client.get("/me")) == "provider_timeout"
    altdentifier(app).error = None
    clock(1)  # ALTDENTIFIER_TIMEOUT
    assert client.get("/me").status_code == 200


def test_hanging_altdentifier_is_left_alone(store: BaseCache, clock: Clock) -> None:
    """After a refresh that took too long no other login's is tried for as long."""
    app = make_app(ALTDENTIFIER_REFRESH=True, ALTDENTIFIER_STORE=store, ALTDENTIFIER_TIMEOUT=100)
    first, second = app.test_client(), app.test_client()
    log_in(first)
    log_in(second)
    clock(WEEK + 5)
    altdentifier(app).error = ProviderTimeout()
    assert reason(first.get("/me")) == "provider_timeout"
    clock(90)
    for client in (first, second):
        assert reason(client.get("/me")) == "provider_timeout"
    assert len(forms(app)) == 1
    altdentifier(app).error = None
    clock(10)
    for client in (first, second):
        assert client.get("/me").status_code == 200


@pytest.mark.parametrize("status", [401, 429, 500])
def test_failed_refresh_leaves_public_pages_open(
    app: Flask,
    client: FlaskClient,
    clock: Clock,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A page that only wants to know who is there shows nobody; a guarded one tells why."""

    @app.get("/lounge")
    def lounge() -> str:
        return f"{bool(current_grant)} {current_grant.scope}"

    @app.get("/both")
    def both() -> Any:
        assert not current_grant
        return requires_scope()(lounge)()

    log_in(client)
    clock(WEEK + 5)
    altdentifier(app).status = status
    assert client.get("/lounge").text == "False frozenset({'read:user'})"
    assert client.get("/both").status_code >= 500
    assert client.get("/login").status_code == 302
    assert len(forms(app)) == 2  # no more than one a request, and none to log in
    reasons = {401: "client_credentials_rejected", 429: "provider_unavailable"}
    assert f"A refresh failed: {reasons.get(status, 'provider_error')}." in caplog.messages
    altdentifier(app).status = 200
    assert client.get("/lounge").text.startswith("True")


class NoRefresh(FakeAltDentifier):
    """Fails to refresh, and nothing else."""

    def request(self, *args: Any, **kwargs: Any) -> Response:
        self.status = 500 if b"refresh_token" in kwargs["body"] else 200
        return super().request(*args, **kwargs)


def test_failed_refresh_is_forgotten_at_a_login(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    """A callback whose app has asked who is there lets in who has just logged in."""
    seen: list[Any] = []
    app.before_request(lambda: seen.append(bool(current_grant)))
    extension(app).transport = NoRefresh()
    log_in(client)
    clock(WEEK + 5)
    state = begin(client)
    seen.clear()

    def use(_: Flask, grant: Any) -> None:
        seen.append(requires.check(frozenset({"read:user"})))

    with signals.logged_in.connected_to(use, app):
        assert finish(client, state).status_code == 303
    assert seen == [False, None]
