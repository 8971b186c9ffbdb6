"""Sessions that live in the login store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask, Request, Response, request, session
from flask.globals import request_ctx
from flask.sessions import SessionInterface, SessionMixin
from flask.testing import FlaskClient
from flask_session import Session

from flask_altdentifier import authorize_redirect, blueprint, errors, logout, signals
from flask_altdentifier.browser.session import STATES_KEY, regenerate_session_id

from ..support import (
    NAME,
    PAGE,
    FakeAltDentifier,
    WatchedStore,
    bare_app,
    cookies_of,
    finish,
    log_in,
    make_app,
    reason,
    set_cookies,
    start,
    state_of,
    store_of,
)


def test_value_that_flask_sessions_can_hold_survives(client: FlaskClient) -> None:
    with client.session_transaction() as transaction:
        transaction["value"] = (1, b"\x00")
    with client.session_transaction() as transaction:
        assert transaction["value"] == (1, b"\x00")


@pytest.mark.parametrize("permanent", [False, True])
def test_only_permanent_sessions_have_a_lasting_cookie(app: Flask, permanent: bool) -> None:
    """As with Flask's own sessions, and unlike Flask-Session's default."""

    @app.get("/set")
    def set_permanent() -> str:
        before = session.permanent
        session.permanent = permanent
        session["a"] = 1
        return str(before)

    response = app.test_client().get("/set")
    assert ("Expires=" in response.headers["Set-Cookie"]) is permanent
    assert response.text == "False"


def test_unchanged_session_is_not_written(client: FlaskClient, store: WatchedStore) -> None:
    client.get("/cart/apples")
    store.calls.clear()
    response = client.get("/cart")
    assert (response.text, set_cookies(response)) == ("apples", [])
    assert store.calls == ["get session"]
    assert "Cookie" in response.headers["Vary"]


def test_app_that_makes_every_session_permanent_writes_only_changes(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    app.before_request(lambda: setattr(session, "permanent", True))
    assert [set_cookies(client.get("/cart")), store.calls] == [[], []]
    client.get("/cart/apples")
    store.calls.clear()
    assert [set_cookies(client.get("/cart")), store.calls] == [[], ["get session"]]
    store.fail()
    assert client.get("/cart").status_code == 200


def test_session_that_becomes_permanent_is_written(app: Flask, client: FlaskClient) -> None:
    @app.get("/remember")
    def remember() -> str:
        session.permanent = True
        return ""

    client.get("/cart/apples")
    assert "Expires=" in client.get("/remember").headers["Set-Cookie"]
    assert client.get("/cart").text == "apples"


@pytest.mark.parametrize(("change", "writes"), [(False, 1), (True, 2)])
def test_session_that_was_saved_with_a_pending_login_is_saved_again_if_it_changes(
    app: Flask, client: FlaskClient, store: WatchedStore, change: bool, writes: int
) -> None:
    @app.get("/connect")
    def connect() -> Response:
        response = authorize_redirect()
        if change:
            session["cart"] = "apples"
        return response

    client.get("/connect")
    assert store.calls.count("set session") == writes
    assert client.get("/cart").text == ("apples" if change else "empty")


def test_value_that_changes_in_place_after_a_login_was_started_is_saved(
    app: Flask, client: FlaskClient
) -> None:
    @app.get("/connect")
    def connect() -> Response:
        session["seen"] = seen = ["a"]
        response = authorize_redirect()
        seen.append("b")
        return response

    client.get("/connect")
    with client.session_transaction() as transaction:
        assert transaction["seen"] == ["a", "b"]


def test_session_that_was_saved_with_a_pending_login_still_counts_as_modified(
    app: Flask, client: FlaskClient
) -> None:
    """An app may wrap the session interface, and save only modified sessions."""

    class Wrapper(SessionInterface):
        def __init__(self, interface: SessionInterface) -> None:
            self._interface = interface

        def __getattr__(self, name: str) -> Any:
            return getattr(self._interface, name)

        def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
            return self._interface.open_session(app, request)

        def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
            if session.modified:
                self._interface.save_session(app, session, response)

    app.session_interface = Wrapper(app.session_interface)

    @app.get("/connect")
    def connect() -> Response:
        session["cart"] = "apples"
        return authorize_redirect()

    client.get("/connect")
    assert client.get("/cart").text == "apples"


def test_emptied_session_is_deleted(client: FlaskClient, store: WatchedStore) -> None:
    client.get("/cart/apples")
    client.get("/clear")
    assert store.keys("session") == []
    assert "session" not in cookies_of(client)


@pytest.mark.parametrize("permanent", [False, True])
def test_sessions_with_pending_logins_alone_last_as_long_as_these(
    app: Flask, client: FlaskClient, store: WatchedStore, permanent: bool
) -> None:
    app.permanent_session_lifetime = timedelta(hours=1)
    app.before_request(lambda: setattr(session, "permanent", permanent))
    start(client)
    [key] = store.keys("session")
    assert 599 < store.ttl(key) <= 600
    client.get("/cart/apples")
    assert 3599 < store.ttl(key) <= 3600


def test_session_that_the_login_empties_is_deleted() -> None:
    app = make_app(
        SESSION_COOKIE_DOMAIN="shop.example",
        SESSION_COOKIE_PATH="/shop",
        SESSION_COOKIE_SECURE=True,
    )
    app.before_request(lambda: setattr(session, "permanent", True))
    client, options = app.test_client(), {"base_url": "https://shop.example/shop"}
    cookies = log_in(client, **options).headers.getlist("Set-Cookie")
    [cookie] = [cookie for cookie in cookies if cookie.startswith("session=;")]
    assert {"Max-Age=0", "Domain=shop.example", "Path=/shop", "Secure"} <= set(cookie.split("; "))
    assert store_of(app).keys("session") == []
    assert store_of(app).calls.count("delete session") == 1


def test_unknown_session_id_is_not_adopted(client: FlaskClient) -> None:
    for value in ("planted", "é" * 500, "a:grant:b"):
        client.set_cookie("session", value)
        client.get("/cart/apples")
        assert cookies_of(client)["session"] != value


def test_damaged_session_reads_as_empty(client: FlaskClient, store: WatchedStore) -> None:
    client.get("/cart/apples")
    [key] = store.keys("session")
    for data in ('"{"', "7", '"[1]"', '{"a": 1}'):
        store.set(key, f'{{"kind": "session", "key": "{key}", "data": {data}}}', 60)
        assert client.get("/cart").text == "empty"


# The store is down


def test_session_reads_as_empty_while_the_store_is_down(
    client: FlaskClient, store: WatchedStore
) -> None:
    client.get("/cart/apples")
    store.fail()
    response = client.get("/cart")
    assert (response.status_code, response.text, set_cookies(response)) == (200, "empty", [])
    store.failing.clear()
    assert client.get("/cart").text == "apples"


def test_empty_session_does_not_make_a_visitor_a_stranger(
    client: FlaskClient, store: WatchedStore
) -> None:
    client.get("/cart/apples")
    log_in(client)
    store.fail()
    assert reason(client.get("/who")) == "store_unavailable"


@pytest.mark.parametrize("headers", [{}, PAGE])
def test_write_to_a_store_that_is_down_is_a_503(
    client: FlaskClient, store: WatchedStore, headers: dict[str, str]
) -> None:
    store.fail()
    response = client.get("/cart/apples", headers=headers)
    assert response.status_code == 503
    assert "store_unavailable" in response.text
    assert response.text != "apples"
    assert set_cookies(response) == []


def test_logout_of_the_app_does_not_seem_to_succeed_while_the_store_is_down(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    app.add_url_rule("/out", "out", lambda: session.pop("cart", "bye"))
    client.get("/cart/apples")
    store.fail()
    assert reason(client.get("/out")) == "store_unavailable"
    store.failing.clear()
    assert client.get("/out").text == "apples"
    assert client.get("/out").text == "bye"


def test_own_error_response_replaces_a_stream_and_closes_it(
    app: Flask, store: WatchedStore
) -> None:
    app.register_error_handler(errors.StoreUnavailable, lambda error: ("own", 418))
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Any:
            yield b"x"

        def close(self) -> None:
            closed.append(True)

    @app.get("/stream")
    def stream() -> Response:
        session["a"] = 1
        return Response(Body(), direct_passthrough=True)

    store.fail()
    with app.test_request_context("/stream"):
        response = app.full_dispatch_request()
    assert (response.status_code, response.data, closed) == (418, b"own", [True])
    assert response.direct_passthrough is False


def test_own_error_response_to_a_callback_is_as_private_as_ours(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    """The address of the page has the code and the state in it."""
    own = {"Cache-Control": "public", "Referrer-Policy": "unsafe-url"}
    app.register_error_handler(errors.StoreUnavailable, lambda error: ("own", 418, own))
    client.get("/cart/apples")
    state = start(client)
    store.failing = {"set session"}
    response = finish(client, state)
    assert (response.status_code, response.text) == (418, "own")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Cookie"


def test_error_response_of_a_login_that_cannot_start_keeps_the_headers_of_the_app(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    app.after_request(lambda response: response.headers.set("X-App", "1") or response)
    store.fail()
    response = client.get("/login")
    assert (response.status_code, response.headers.get("X-App")) == (503, "1")
    assert set_cookies(response) == []


def test_change_before_a_login_that_cannot_start_is_not_lost_in_silence(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    @app.get("/connect")
    def connect() -> str | Response:
        session["cart"] = "apples"
        try:
            return authorize_redirect()
        except errors.StoreUnavailable:
            return "saved, but without a login"

    store.fail()
    assert reason(client.get("/connect")) == "store_unavailable"


@pytest.mark.parametrize("failing", ["set grant", "delete grant", "set session", "delete session"])
def test_failure_at_a_login_keeps_the_session_and_logs_nobody_in(
    app: Flask, client: FlaskClient, store: WatchedStore, failing: str
) -> None:
    sent: list[str] = []
    client.get("/cart/apples")
    before, state = cookies_of(client)["session"], start(client, "/login?next=/cart")
    client.set_cookie(NAME, "x" * 43)  # an older login, which is deleted
    store.failing = {failing}
    with (
        signals.logged_in.connected_to(lambda *_, **__: sent.append("in"), app),
        signals.login_failed.connected_to(lambda *_, **__: sent.append("failed"), app),
    ):
        response = finish(client, state)
    assert sent == ["failed"]
    assert response.json is not None
    assert (response.json["reason"], response.json["login_url"]) == (
        "store_unavailable",
        "/login?next=/cart",
    )
    assert client.get("/who").text == "nobody"
    store.failing.clear()
    assert (cookies_of(client)["session"] == before) == (failing != "delete grant")
    assert client.get("/cart").text == "apples"


def test_failure_at_a_logout_leaves_no_session_behind(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    """Otherwise, a copy of the cookie could use it, although the app has cleared it."""

    @app.get("/out")
    def out() -> str:
        session.clear()
        logout()
        return "out"

    client.get("/cart/apples")
    copy = cookies_of(client)["session"]
    store.failing = {"delete session"}
    assert reason(client.get("/out")) == "store_unavailable"
    store.failing.clear()
    assert client.get("/out").text == "out"
    client.set_cookie("session", copy)
    assert client.get("/cart").text == "empty"


@pytest.mark.parametrize("change", [lambda: session.update(a=1), logout])
def test_failure_after_a_login_keeps_the_session(
    app: Flask, client: FlaskClient, store: WatchedStore, change: Callable[[], None]
) -> None:
    """The record under the old ID is gone already."""

    def write(_: Flask, grant: Any) -> None:
        store.failing = {"set session"}
        change()

    client.get("/cart/apples")
    state = start(client)
    with signals.logged_in.connected_to(write, app):
        assert reason(finish(client, state)) == "store_unavailable"
    store.failing.clear()
    assert client.get("/cart").text == "apples"


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_change_in_a_list_after_the_session_was_saved_is_written(
    app: Flask, client: FlaskClient, path: str
) -> None:
    """A session does not notice a change in one of its values."""

    @app.after_request
    def add(response: Response) -> Response:
        if "list" in session:
            session["list"].append(request.path)
        return response

    with client.session_transaction() as transaction:
        transaction["list"] = []
    client.open(path, method="POST" if path == "/logout" else "GET")
    with client.session_transaction() as transaction:
        assert transaction["list"] == [path]


def test_session_that_is_emptied_after_it_was_saved_is_deleted(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    @app.after_request
    def clear(response: Response) -> Response:
        session.clear()
        return response

    start(client)
    assert store.keys("session") == []


@pytest.mark.parametrize("failing", ["get grant", "delete grant", "set session", "delete session"])
def test_failure_at_a_logout_keeps_the_session(
    client: FlaskClient, store: WatchedStore, failing: str
) -> None:
    client.get("/cart/apples")
    log_in(client)
    store.failing = {failing}
    assert reason(client.post("/logout")) == "store_unavailable"
    store.failing.clear()
    assert client.get("/cart").text == "apples"


def test_socket_whose_copy_of_the_session_has_no_id_can_log_out(
    app: Flask, client: FlaskClient
) -> None:
    class CopiedSession(dict[str, Any], SessionMixin):
        """As Flask-SocketIO's with `manage_session=True`."""

    log_in(client)
    cookies = "; ".join("=".join(cookie) for cookie in cookies_of(client).items())
    with app.test_request_context(headers={"Cookie": cookies}):
        request_ctx._session = CopiedSession(cart="apples")
        logout()
    assert client.get("/who").text == "nobody"


# Session ids


def test_login_and_logout_change_the_id_and_keep_the_data(client: FlaskClient) -> None:
    client.get("/cart/apples")
    ids = [cookies_of(client)["session"]]
    for step in (log_in, lambda client: client.post("/logout")):
        step(client)
        ids.append(cookies_of(client)["session"])
    assert len(set(ids)) == 3
    assert client.get("/cart").text == "apples"
    for old in ids[:2]:
        client.set_cookie("session", old)
        assert client.get("/cart").text == "empty"


def test_old_id_ends_though_it_changes_twice(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    def leave(sender: Flask, grant: Any) -> None:
        logout()

    client.get("/cart/apples")
    planted = cookies_of(client)["session"]
    with signals.logged_in.connected_to(leave, app):
        log_in(client)
    assert client.get("/cart").text == "apples"
    client.set_cookie("session", planted)
    assert client.get("/cart").text == "empty"


def test_empty_session_changes_its_id_too(app: Flask, client: FlaskClient) -> None:
    """Flask-Session does nothing in that case, and the app may write afterwards."""

    @app.get("/bye")
    def bye() -> str:
        session.clear()
        logout()
        session["message"] = "bye"
        return ""

    client.get("/cart/apples")
    planted = cookies_of(client)["session"]
    client.get("/bye")
    assert cookies_of(client)["session"] != planted


def test_app_can_change_the_id_itself(app: Flask, client: FlaskClient) -> None:
    @app.get("/new-id")
    def new_id() -> str:
        app.session_interface.regenerate(session)  # type: ignore[attr-defined]
        return ""

    client.get("/cart/apples")
    before = cookies_of(client)["session"]
    client.get("/new-id")
    assert cookies_of(client)["session"] != before
    assert client.get("/cart").text == "apples"


# Flask-Session, and interfaces of the app's own


@pytest.mark.parametrize("first", ["session", "blueprint"])
def test_flask_session_of_the_app_is_kept(first: str) -> None:
    app = bare_app(
        SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache(), ALTDENTIFIER_STORE=WatchedStore()
    )
    if first == "session":
        Session(app)
    app.register_blueprint(blueprint)
    if first == "blueprint":
        Session(app)
    state_of(app).transport = FakeAltDentifier()
    app.add_url_rule("/cart", "cart", lambda: session.setdefault("cart", "apples"))
    client = app.test_client()
    client.get("/cart")
    before, other_tab = cookies_of(client)["session"], start(client)
    log_in(client)
    assert cookies_of(client)["session"] != before
    with client.session_transaction() as transaction:
        assert transaction[STATES_KEY] == [other_tab]
    assert app.config["ALTDENTIFIER_STORE"].keys("session") == []


@pytest.mark.parametrize("path", ["/login", "/callback"])
def test_signed_cookie_sessions_are_refused(path: str) -> None:
    app = make_app(SESSION_TYPE="redis", SECRET_KEY="secret")  # without Session(app)
    with pytest.raises(errors.ConfigError, match=r"Session\(app\)"):
        app.test_client().get(path)


def test_failure_of_another_session_server_is_store_unavailable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    Session(app)
    client = app.test_client()
    client.get("/cart/apples")
    log_in(client)

    def fail(_: Any) -> None:
        raise ConnectionError("text of the server")

    app.session_interface.regenerate = fail  # type: ignore[attr-defined]
    assert reason(client.post("/logout")) == "store_unavailable"
    assert "store_unavailable (cause ConnectionError in regenerate)" in caplog.messages
    assert "text of the server" not in caplog.text


def test_interface_that_cannot_regenerate_is_left_alone(app: Flask) -> None:
    class Interface:
        def get_cookie_name(self, app: Flask) -> str:
            return "session"

    with app.test_request_context(headers={"Cookie": "session=x"}):
        app.session_interface = Interface()  # type: ignore[assignment]
        regenerate_session_id()
        assert not session
