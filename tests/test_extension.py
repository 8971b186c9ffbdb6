"""Registering the blueprint, and the names of the package."""

from __future__ import annotations

import builtins
import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
from importlib import import_module
from typing import Any, NoReturn

import pytest
import redis
import sqlalchemy
from flask import Blueprint, Flask
from flask.sessions import SecureCookieSessionInterface

import flask_altdentifier
from flask_altdentifier import blueprint, webhooks
from flask_altdentifier.errors import ConfigError

from .support import (
    FakeAltDentifier,
    bare_app,
    cookies_of,
    log_in,
    make_app,
    query_of,
    state_of,
    words,
)

PUBLIC = words("""READ_USER WRITE_INTEGRATIONS ApiResponse Grant TrustFactor api authorize_redirect
blueprint current_grant errors integration_url logout logout_all protect public requires_scope
sandbox signals stores testing webhooks""")


def test_blueprint_can_have_another_prefix_and_name() -> None:
    app = bare_app()
    app.register_blueprint(blueprint, url_prefix="/auth", name="auth")
    state_of(app).transport = FakeAltDentifier()
    client = app.test_client()
    query = query_of(client.get("/auth/login").location)
    assert query["redirect_uri"] == "http://localhost/auth/callback"
    assert json.loads(client.get("/auth/callback").text)["login_url"] == "/auth/login"
    assert client.post("/auth/logout").status_code == 303


@pytest.mark.parametrize("name", [None, "auth"])
def test_nested_blueprint(name: str | None) -> None:
    app, parent = bare_app(), Blueprint("site", __name__, url_prefix="/site")
    parent.register_blueprint(blueprint, url_prefix="/auth", **({"name": name} if name else {}))
    app.register_blueprint(parent)
    state_of(app).transport = FakeAltDentifier()
    query = query_of(app.test_client().get("/site/auth/login").location)
    assert query["redirect_uri"] == "http://localhost/site/auth/callback"
    assert state_of(app).name == f"site.{name or 'altdentifier'}"
    assert app.test_cli_runner().invoke(args=["altdentifier", "link"]).exit_code == 0


@pytest.mark.parametrize("name", ["altdentifier", "again"])
def test_second_registration_is_refused(name: str) -> None:
    app = make_app()
    with pytest.raises(ConfigError, match="already"):
        app.register_blueprint(blueprint, name=name)


def test_host_matching_is_refused() -> None:
    app = Flask("hosts", host_matching=True, static_host="localhost")
    app.config.update(bare_app().config)
    with pytest.raises(ConfigError, match="host_matching"):
        app.register_blueprint(blueprint)


def test_subdomain_is_refused() -> None:
    app = bare_app(SERVER_NAME="app.example")
    with pytest.raises(ConfigError, match="subdomain"):
        app.register_blueprint(blueprint, subdomain="auth")
    with pytest.raises(ConfigError, match="subdomain"):
        Flask("shop", subdomain_matching=True).register_blueprint(blueprint)
    parent = Blueprint("parent", __name__, subdomain="auth")
    parent.register_blueprint(blueprint)
    with pytest.raises(ConfigError, match="subdomain"):
        app.register_blueprint(parent)


def test_many_apps_share_nothing() -> None:
    one = make_app(ALTDENTIFIER_CLIENT_ID="one")
    two = make_app(ALTDENTIFIER_CLIENT_ID="two", ALTDENTIFIER_SCOPE="write:integrations")
    clients = one.test_client(), two.test_client()
    queries = [query_of(client.get("/login").location) for client in clients]
    assert [query["client_id"] for query in queries] == ["one", "two"]
    assert queries[1]["scope"] == "write:integrations"
    log_in(clients[0])
    for name, value in cookies_of(clients[0]).items():
        clients[1].set_cookie(name, value)
    assert clients[1].get("/who").text == "nobody"


def refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("I/O at registration")


STORES = """memory:// sqlite:///logins.sqlite3 redis://localhost
postgresql+psycopg://localhost/logins"""
OBJECTS = [None, redis.Redis(), sqlalchemy.create_engine("sqlite://")]


@pytest.mark.parametrize("store", [*words(STORES), *OBJECTS])
def test_registration_does_no_io(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_app(ALTDENTIFIER_STORE=store)  # imports what is needed
    app = bare_app(ALTDENTIFIER_STORE=store, ALTDENTIFIER_WEBHOOK_SECRET="s")
    targets = {
        builtins: ["open"],
        os: ["open", "mkdir"],
        pathlib.Path: ["mkdir", "touch"],
        socket: ["socket", "getaddrinfo", "create_connection"],
        sqlite3: ["connect"],
    }
    with monkeypatch.context() as patch:
        for owner, names in targets.items():
            for name in names:
                patch.setattr(owner, name, refuse)
        app.register_blueprint(blueprint)
        app.register_blueprint(webhooks.blueprint)


@pytest.mark.parametrize("config", [{"SESSION_TYPE": "redis"}, {"SESSION_TYPE": ""}])
def test_configured_flask_session_is_left_alone(config: dict[str, str]) -> None:
    assert type(make_app(**config).session_interface) is SecureCookieSessionInterface


def test_own_session_interface_is_left_alone() -> None:
    class Own(SecureCookieSessionInterface):
        pass

    app = bare_app()
    app.session_interface = own = Own()
    app.register_blueprint(blueprint)
    assert app.session_interface is own


def test_public_names() -> None:
    names: dict[str, object] = {}
    exec("from flask_altdentifier import *", names)
    assert names.keys() - {"__builtins__"} == set(PUBLIC) == set(flask_altdentifier.__all__)
    assert set(dir(flask_altdentifier)) >= set(PUBLIC)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = flask_altdentifier.nonsense


def test_submodules_are_imported_at_their_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(flask_altdentifier, "webhooks", raising=False)
    assert flask_altdentifier.webhooks.__name__ == "flask_altdentifier.webhooks"
    assert {"sandbox", "testing", "webhooks"} <= set(dir(flask_altdentifier))


@pytest.mark.parametrize("name", ["errors", "signals", "stores", "webhooks", "sandbox", "testing"])
def test_submodules_say_what_they_export(name: str) -> None:
    module = getattr(flask_altdentifier, name)
    assert module is import_module(f"flask_altdentifier.{name}")
    assert all(hasattr(module, exported) for exported in module.__all__)


def test_import_is_light() -> None:
    code = (
        "import sys, json, flask, flask_session; import flask_altdentifier; "
        "print(json.dumps(sorted(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    modules = json.loads(shown)
    loaded = {name.partition(".")[0] for name in modules}
    assert loaded.isdisjoint({"urllib3", "authlib", "requests", "sqlalchemy", "redis", "cachelib"})
    for name in ("sandbox", "testing", "webhooks", "diagnostics", "oauth.client", "http.transport"):
        assert f"flask_altdentifier.{name}" not in modules
