"""What one request object knows of its login."""

from __future__ import annotations

from flask import Flask, Request
from flask.testing import FlaskClient

from flask_altdentifier import current_grant
from flask_altdentifier.browser.request_login import get_request_login

from ..support import WatchedStore, log_in, login_cookie_of, state_of


def test_request_login_belongs_to_a_request_object(app: Flask) -> None:
    state = state_of(app)
    with app.test_request_context() as context:
        one, two = context.request, Request(context.request.environ)
        assert get_request_login(state, one) is get_request_login(state, one)
        assert get_request_login(state, one) is not get_request_login(state, two)


def test_environ_that_outlives_a_logout_sees_it(app: Flask, client: FlaskClient) -> None:
    """Flask-SocketIO uses the handshake's environ for each event of a socket."""
    log_in(client)
    cookie = "{}={}".format(*(login_cookie_of(client) or ()))
    environ = app.test_request_context(headers={"Cookie": cookie}).request.environ
    with app.request_context(environ):
        assert current_grant
    client.post("/logout")
    with app.request_context(environ):
        assert not current_grant


def test_grant_is_read_once_per_request(
    app: Flask, client: FlaskClient, store: WatchedStore
) -> None:
    app.add_url_rule(
        "/often", "often", lambda: [bool(current_grant), current_grant.expired, len(store.calls)]
    )
    log_in(client)
    store.calls.clear()
    assert client.get("/often").json == [True, False, 1]
