"""Changes to an app's `ExtensionState` and grants while a sandbox serves the app."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Flask, request, request_started

from ..browser.request_login import get_request_login, sha256_hex
from ..grant import Grant
from ..scopes import parse_scope, validate_scopes
from ..state import ExtensionState, get_state

if TYPE_CHECKING:
    from typing import Any

    from flask.testing import FlaskClient

    from ..http.transport import Transport


def path_of(app: Flask, view: str) -> str:
    """Return the path of one of the extension's routes, as a client of *app* requests it."""
    return app.url_map.bind("localhost").build(f"{get_state(app).name}.{view}")


@contextmanager
def replace_transport(state: ExtensionState, transport: Transport) -> Iterator[None]:
    """Send the app's requests to AltDentifier through *transport* in the block."""
    # The OAuth client holds the transport that it was created with.
    names = ("transport", "oauth")
    before = {name: vars(state).pop(name) for name in names if name in vars(state)}
    state.transport = transport
    try:
        yield
    finally:
        for name in names:
            vars(state).pop(name, None)
        vars(state).update(before)


@contextmanager
def replace_scope(state: ExtensionState, scope: str | Iterable[str]) -> Iterator[None]:
    """Make `/login` request exactly *scope* in the block, instead of `ALTDENTIFIER_SCOPE`."""
    config = state.config
    names = parse_scope(scope) if isinstance(scope, str) else validate_scopes(scope)
    state.config = replace(config, scope=names)
    try:
        yield
    finally:
        state.config = config


def expire_grant(client: FlaskClient, **options: Any) -> bool:
    """Expire the grant of *client*, and return whether it had one.

    Only a request has the client's cookies, so this sends an OPTIONS request.
    """
    app, expired = client.application, False

    def expire(_app: Flask, **_: Any) -> None:
        nonlocal expired
        login = get_request_login(get_state(), request)
        for name in map(sha256_hex, login.cookies.get_login_ids()):
            grant = login.records.get("grant", name, Grant.from_record)
            if grant:
                login.records.set("grant", name, grant.limited_to(-1).to_record(), 60)
                expired = True

    with request_started.connected_to(expire, sender=app):
        client.options(path_of(app, "login"), **options)
    return expired
