"""`current_grant` and `logout`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask, session
from flask.testing import FlaskClient

from flask_altdentifier import current_grant, logout, requires_scope, signals
from flask_altdentifier.errors import ConfigError

from .support import (
    altdentifier,
    cookies_of,
    extension,
    log_in,
    make_app,
    reason,
)


def test_current_grant_is_false_without_a_login(app: Flask, client: FlaskClient) -> None:
    """Nobody is logged in: the proxy is false and says how to ask."""
    app.add_url_rule("/ask", "ask", lambda: str(bool(current_grant)))
    app.add_url_rule("/use", "use", lambda: str(current_grant.scope))
    assert client.get("/ask").text == "False"
    with pytest.raises(RuntimeError, match="if current_grant"):
        client.get("/use")


def test_current_grant_is_false_outside_a_request() -> None:
    """Outside a request there is no grant."""
    assert not current_grant


def test_current_grant_without_the_extension() -> None:
    """An app that did not register the blueprint is told so."""
    app = Flask(__name__)
    with app.test_request_context():
        with pytest.raises(ConfigError, match="register_blueprint"):
            _ = current_grant.scope
        with pytest.raises(ConfigError, match="register_blueprint"):
            bool(current_grant)


def test_threads_of_one_request(app: Flask, client: FlaskClient) -> None:
    """Threads that ask for the grant at the same moment are all told."""
    at_once = Barrier(3)

    @app.get("/threads")
    def threads() -> list[bool]:
        with ThreadPoolExecutor(3) as pool:
            asks = [pool.submit(copy_context().run, bool, current_grant) for _ in range(3)]
            return [ask.result() for ask in asks]

    log_in(client)
    cache = extension(app).store.cache
    original = cache.get
    cache.get = lambda key: (at_once.wait(5), original(key))[1]  # type: ignore[method-assign]
    assert client.get("/threads").json == [True] * 3


def test_grant_is_read_once_per_request(app: Flask, client: FlaskClient) -> None:
    """A request that asks often reads the store once."""
    reads: list[str] = []

    @app.get("/often")
    @requires_scope()
    def often() -> str:
        return f"{current_grant.covers('read:user')} {bool(current_grant)} {current_grant.expired}"

    log_in(client)
    cache = extension(app).store.cache
    original = cache.get
    cache.get = lambda key: (reads.append(key), original(key))[1]  # type: ignore[method-assign,func-returns-value]
    assert client.get("/often").text == "True True False"
    assert len([key for key in reads if key.startswith("altdentifier:")]) == 1


@pytest.mark.parametrize("value", ["", "x", "x" * 43 + "=", "../../etc/passwd", "é" * 43])
def test_odd_login_cookie_is_nobody(app: Flask, client: FlaskClient, value: str) -> None:
    """A login id that has not the form of one is not looked up."""
    log_in(client)
    [name] = [name for name in cookies_of(client) if name.startswith("altdentifier")]
    client.set_cookie(name, value)
    assert client.get("/me").status_code == 401


def test_record_that_cannot_be_read_is_nobody(app: Flask, client: FlaskClient) -> None:
    """A store that was tampered with logs nobody in, and is no 500."""
    log_in(client)
    cache = extension(app).store.cache
    assert isinstance(cache, SimpleCache)
    [key] = [key for key in cache._cache if ":grant:" in key]
    for value in ("{", "null", "7", "{}", 7, b"\xff"):
        cache.set(key, value)
        assert client.get("/me").status_code == 401


def test_two_apps_keep_their_grants_apart() -> None:
    """A login in one app is none in another, though both hang on one request."""
    one, two = make_app(), make_app()
    client = one.test_client()
    two.add_url_rule("/who", "who", lambda: str(bool(current_grant)))

    @one.get("/nested")
    @requires_scope()
    def nested() -> Any:
        from flask import Response, request

        environ = {**request.environ, "PATH_INFO": "/who"}
        return f"{bool(current_grant)} {Response.from_app(two, environ).get_data(as_text=True)}"

    log_in(client)
    assert client.get("/nested").text == "True False"


# Logging out


def test_logout_ends_the_grant(client: FlaskClient, other_browser: FlaskClient) -> None:
    """After a logout no jar, old or new, gets the grant back."""
    log_in(client)
    old = cookies_of(client)
    response = client.post("/logout")
    assert (response.status_code, response.location) == (303, "/")
    assert not [name for name in cookies_of(client) if name.startswith("altdentifier")]
    assert client.get("/me").status_code == 401
    for name, value in old.items():
        other_browser.set_cookie(name, value)
    assert other_browser.get("/me").status_code == 401


def test_logout_keeps_the_session_under_a_new_id(app: Flask, client: FlaskClient) -> None:
    """The cart stays full; the session's id is another."""
    app.add_url_rule("/fill", "fill", lambda: session.setdefault("cart", "full"))
    app.add_url_rule("/cart", "cart", lambda: session.get("cart", "empty"))
    client.get("/fill")
    log_in(client)
    before = cookies_of(client)["session"]
    client.post("/logout")
    assert cookies_of(client)["session"] != before
    assert client.get("/cart").text == "full"


def test_logout_of_an_empty_session_changes_its_id(app: Flask, client: FlaskClient) -> None:
    """A view that clears the session, logs out, and then says goodbye gets a new id too."""

    @app.get("/bye")
    def bye() -> str:
        session.clear()
        logout()
        session["message"] = "bye"
        return ""

    app.add_url_rule("/fill", "fill", lambda: session.setdefault("cart", "full"))
    client.get("/fill")
    log_in(client)
    before = cookies_of(client)["session"]
    client.get("/bye")
    assert cookies_of(client)["session"] != before


def test_every_login_cookie_is_logged_out(app: Flask, client: FlaskClient) -> None:
    """A cookie that was planted before the real one does not keep the real one alive."""
    log_in(client)
    [(name, value)] = [(n, v) for n, v in cookies_of(client).items() if n.startswith("alt")]
    both = f"{name}={'x' * 43}; {name}={value}"
    bare = app.test_client(use_cookies=False)
    assert bare.post("/logout", headers={"Cookie": both}).status_code == 303
    assert client.get("/me").status_code == 401


def test_page_that_knows_who_is_there_varies(app: Flask, client: FlaskClient) -> None:
    """A shared cache must not show one person's page to another."""
    app.add_url_rule("/ask", "ask", lambda: str(bool(current_grant)))
    assert client.get("/ask").headers["Vary"] == "Cookie"
    assert "Vary" not in client.get("/").headers


def test_clearing_the_session_does_not_log_out(app: Flask, client: FlaskClient) -> None:
    """The grant is not in the session."""

    @app.get("/clear")
    def clear() -> str:
        session.clear()
        return ""

    log_in(client)
    client.get("/clear")
    assert client.get("/me").status_code == 200


def test_after_logout_can_be_set() -> None:
    """`ALTDENTIFIER_AFTER_LOGOUT` is a path in the app."""
    client = make_app(ALTDENTIFIER_AFTER_LOGOUT="/bye").test_client()
    assert client.post("/logout").location == "/bye"
    assert client.post("/logout", base_url="http://localhost/shop/").location == "/shop/bye"


def test_logout_is_a_post(client: FlaskClient) -> None:
    """An image on another page must not log anybody out."""
    log_in(client)
    assert client.get("/logout").status_code == 405
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://localhost:8400"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://localhost.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://[::1"}, False),
        ({"Host": "my_app:5000", "Origin": "http://my_app:5000"}, True),
        ({"Host": "my_app:5000", "Origin": "null"}, False),
        ({"Host": "", "Origin": "null"}, False),
    ],
)
def test_logout_from_another_site_is_refused(
    client: FlaskClient, headers: dict[str, str], allowed: bool
) -> None:
    """Only this site's own pages can log out."""
    log_in(client)
    response = client.post("/logout", headers=headers)
    assert response.status_code == (303 if allowed else 403)
    if not allowed:
        assert reason(response) == "cross_site"
    assert client.get("/me").status_code == (401 if allowed else 200)


def test_logout_of_a_view_of_your_own(app: Flask, client: FlaskClient) -> None:
    """`logout()` ends the grant within the request; the response deletes the cookie."""

    @app.get("/leave")
    def leave() -> str:
        before = bool(current_grant)
        logout()
        return f"{before} {bool(current_grant)}"

    log_in(client)
    assert client.get("/leave").text == "True False"
    assert client.get("/me").status_code == 401
    assert client.get("/leave").text == "False False"


def test_logged_out_is_sent_where_there_was_a_grant(app: Flask, client: FlaskClient) -> None:
    """`logged_out` tells whose grant ended, once."""
    told: list[Any] = []

    def on_logout(sender: Flask, grant: Any) -> None:
        told.append((sender, grant.access_token, bool(current_grant)))

    with signals.logged_out.connected_to(on_logout, app):
        log_in(client)
        client.post("/logout")
        client.post("/logout")
    assert told == [(app, "blablatoken0", False)]
    assert altdentifier(app).requests


def test_async_receiver(app: Flask, client: FlaskClient) -> None:
    """Receivers may be async."""
    told: list[str] = []

    async def on_logout(sender: Flask, grant: Any) -> None:
        told.append(grant.access_token)

    with signals.logged_out.connected_to(on_logout, app):
        log_in(client)
        client.post("/logout")
    assert told == ["blablatoken0"]


def test_logout_without_server_side_session() -> None:
    """`logout()` also works where the session interface cannot change ids."""
    app = make_app()
    client = app.test_client()
    log_in(client)

    class Plain(type(app.session_interface)):  # type: ignore[misc]
        regenerate = None

    app.session_interface.__class__ = Plain
    assert client.post("/logout").status_code == 303
    assert client.get("/me").status_code == 401
