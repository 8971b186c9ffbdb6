"""Registering the blueprint is the whole installation."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from flask import Blueprint, Flask

import flask_altdentifier
from flask_altdentifier import blueprint
from flask_altdentifier.errors import ConfigError

from .support import FakeAltDentifier, bare_app, extension, log_in, make_app, query_of


def test_routes() -> None:
    """The endpoints and their methods are the contract's."""
    app = make_app()
    rules = {rule.endpoint: rule.rule for rule in app.url_map.iter_rules()}
    assert rules["altdentifier.login"] == "/login"
    assert rules["altdentifier.callback"] == "/callback"
    assert rules["altdentifier.logout"] == "/logout"


def test_prefix_and_name() -> None:
    """`url_prefix=` and `name=` work as in Flask."""
    app = bare_app()
    app.register_blueprint(blueprint, url_prefix="/auth", name="auth")
    extension(app).transport = FakeAltDentifier()
    client = app.test_client()
    location = client.get("/auth/login").location
    assert query_of(location)["redirect_uri"] == "http://localhost/auth/callback"
    assert client.get("/auth/callback").json["login_url"] == "/auth/login"  # type: ignore[index]
    assert client.post("/auth/logout").status_code == 303


def test_nested() -> None:
    """It works inside another blueprint, and its commands keep their name."""
    app, parent = bare_app(), Blueprint("site", __name__, url_prefix="/site")
    parent.register_blueprint(blueprint, url_prefix="/auth")
    app.register_blueprint(parent)
    extension(app).transport = FakeAltDentifier()
    client = app.test_client()
    query = query_of(client.get("/site/auth/login").location)
    assert query["redirect_uri"] == "http://localhost/site/auth/callback"
    assert extension(app).name == "site.altdentifier"
    assert app.test_cli_runner().invoke(args=["altdentifier", "link"]).exit_code == 0


@pytest.mark.parametrize("name", ["altdentifier", "again"])
def test_second_registration_is_refused(name: str) -> None:
    """One app has one AltDentifier, under whatever name."""
    app = make_app()
    with pytest.raises(ConfigError, match="registered in this app already"):
        app.register_blueprint(blueprint, name=name)


def test_many_apps() -> None:
    """Apps in one process share nothing."""
    one = make_app(ALTDENTIFIER_CLIENT_ID="one")
    two = make_app(ALTDENTIFIER_CLIENT_ID="two", ALTDENTIFIER_SCOPE="write:integrations")
    assert query_of(one.test_client().get("/login").location)["client_id"] == "one"
    query = query_of(two.test_client().get("/login").location)
    assert (query["client_id"], query["scope"]) == ("two", "write:integrations")
    for app in (one, two):
        log_in(app.test_client())


def test_config_is_read_once() -> None:
    """What changes after the registration does not count."""
    app = make_app()
    app.config["ALTDENTIFIER_CLIENT_ID"] = "changed"
    assert query_of(app.test_client().get("/login").location)["client_id"] == "the-client"


def test_no_hooks_in_the_app() -> None:
    """The extension adds nothing to other views' requests."""
    plain, ours = bare_app(), bare_app()
    ours.register_blueprint(blueprint)
    for hooks in (
        "before_request_funcs",
        "after_request_funcs",
        "teardown_request_funcs",
        "error_handler_spec",
    ):
        assert getattr(ours, hooks) == getattr(plain, hooks)


PUBLIC = {
    "api",
    "webhooks",
    "Grant",
    "READ_USER",
    "WRITE_INTEGRATIONS",
    "authorize_redirect",
    "blueprint",
    "current_grant",
    "errors",
    "integration_url",
    "logout",
    "protect",
    "public",
    "requires_scope",
    "sandbox",
    "signals",
    "testing",
}


def test_public_names() -> None:
    """The public names are the contract's; submodules can be had as attributes."""
    names: dict[str, object] = {}
    exec("from flask_altdentifier import *", names)
    assert names.keys() - {"__builtins__"} == PUBLIC
    assert set(dir(flask_altdentifier)) >= PUBLIC
    with pytest.raises(AttributeError, match="nonsense"):
        _ = flask_altdentifier.nonsense


def test_submodules_are_imported_when_asked_for() -> None:
    """`flask_altdentifier.sandbox` works without an import of its own."""
    from flask_altdentifier import sandbox

    assert flask_altdentifier.__getattr__("sandbox") is sandbox


def test_transport_is_http() -> None:
    """Outside tests the provider is spoken to over HTTP, at its origin, within the timeout."""
    from flask_altdentifier.transport import HTTPTransport

    app = bare_app(ALTDENTIFIER_BASE_URL="https://[::1]:8443/", ALTDENTIFIER_TIMEOUT=3)
    app.register_blueprint(blueprint)
    transport = extension(app).transport
    assert isinstance(transport, HTTPTransport)
    assert (transport.timeout, transport.pool.scheme) == (3.0, "https")
    assert (transport.pool.host, transport.pool.port) == ("::1", 8443)


def test_import_is_light() -> None:
    """Importing the package loads neither urllib3 nor Authlib nor the sandbox."""
    code = (
        "import sys, json, flask, flask_session; import flask_altdentifier; "
        "print(json.dumps(sorted(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in json.loads(shown)}
    assert loaded.isdisjoint({"urllib3", "authlib", "requests", "cryptography", "redis"})
    for name in ("sandbox", "testing", "webhooks", "event", "check", "provider", "transport"):
        assert f"flask_altdentifier.{name}" not in json.loads(shown)


def test_integration_url(app: Flask) -> None:
    """The simplified link has the client, the scope and perhaps the server, nothing else."""
    with app.test_request_context():
        url = flask_altdentifier.integration_url()
        assert url == (
            "https://altdentifier.com/oauth2/authorize"
            "?client_id=the-client&scope=write:integrations"
        )
        with_guild = flask_altdentifier.integration_url(81384788765712384)
        assert with_guild == f"{url}&guild_id=81384788765712384"


@pytest.mark.parametrize("guild_id", ["", "x", "1" * 21, "-1", "1.5", "\u0661", True, "1\n", " 1"])
def test_integration_url_refuses_what_is_no_snowflake(app: Flask, guild_id: str) -> None:
    """A server's id is 1 to 20 ASCII digits."""
    with app.test_request_context(), pytest.raises(ValueError, match="snowflake"):
        flask_altdentifier.integration_url(guild_id)


def test_integration_url_in_templates(app: Flask) -> None:
    """Templates have it as `altdentifier_integration_url`."""
    with app.test_request_context():
        template = app.jinja_env.from_string("{{ altdentifier_integration_url('1') }}")
        assert template.render().endswith("guild_id=1")
