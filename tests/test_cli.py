"""The `flask altdentifier` commands."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import BaseWSGIServer

from flask_altdentifier import blueprint
from flask_altdentifier.diagnostics.findings import DOCS_URL
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.sandbox import sandbox_state

from .diagnostics.apps import CREDENTIALS, flask_command, good_app
from .support import WatchedStore, bare_app, log_in, make_app


@pytest.fixture(autouse=True)
def _as_flask_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")  # Flask sets it, and never removes it


def run(app: Flask, *arguments: str, **options: Any) -> Result:
    return app.test_cli_runner().invoke(args=["altdentifier", *arguments], **options)


def test_link() -> None:
    app = make_app()
    url = "https://altdentifier.com/oauth2/authorize?client_id=the-client&scope=write:integrations"
    assert run(app, "link").output == f"{url}\n"
    assert run(app, "link", "--guild-id", "42").output == f"{url}&guild_id=42\n"
    result = run(app, "link", "--guild-id", "x")
    assert (result.exit_code, "--guild-id" in result.output) == (2, True)


def test_logout_all() -> None:
    app = make_app()
    for _ in range(2):
        log_in(app.test_client())
    assert run(app, "logout-all", input="n\n").exit_code == 1
    output = run(app, "logout-all", "--yes").output
    assert "2 logins" in output
    assert "WatchedStore" in output
    log_in(app.test_client())
    assert "1 login " in run(app, "logout-all", input="y\n").output


def test_logout_all_creates_no_store(tmp_path: Path) -> None:
    app = make_app(TESTING=False, ALTDENTIFIER_STORE=None)
    app.instance_path = str(tmp_path / "instance")
    path = tmp_path / "instance" / "altdentifier.sqlite3"
    output = run(app, "logout-all", "--yes").output
    assert all(fact in output for fact in ("0 logins", "no store", str(path)))
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir()
    assert run(app, "logout-all", "--yes").output == output
    path.touch()
    output = run(app, "logout-all", "--yes").output
    assert all(fact in output for fact in ("0 logins", str(path)))
    assert "no store" not in output


def test_logout_all_needs_the_store() -> None:
    store = WatchedStore()
    store.fail()
    result = run(make_app(ALTDENTIFIER_STORE=store), "logout-all", "--yes")
    assert (result.exit_code, "ALTDENTIFIER_STORE" in result.output) == (1, True)


def test_logout_all_does_not_take_an_unusable_path_for_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    app = make_app(ALTDENTIFIER_STORE=f"sqlite:///{tmp_path / 'file' / 'logins.sqlite3'}")
    result = run(app, "logout-all", "--yes")
    assert (result.exit_code, "ALTDENTIFIER_STORE" in result.output) == (1, True)


def test_config_error_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "not_configured.py").write_text(
        "from flask import Flask\nfrom flask_altdentifier import blueprint\n"
        "app = Flask('x')\napp.register_blueprint(blueprint)\n"
    )
    result = flask_command("--app", "not_configured", "altdentifier", "link")
    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("Error: ALTDENTIFIER_CLIENT_ID is missing. ")


@pytest.mark.parametrize("arguments", [["link"], ["check", "--offline"]])
def test_app_whose_context_is_pushed(arguments: list[str]) -> None:
    with good_app().app_context():
        assert CliRunner().invoke(blueprint.cli, arguments).exit_code == 0


def test_commands_do_not_depend_on_the_blueprints_name() -> None:
    app = bare_app()
    app.register_blueprint(blueprint, name="auth")
    assert run(app, "link").exit_code == 0


def test_check_prints_a_block_for_each_finding() -> None:
    app = good_app(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_NAME="__Host-x")
    result = run(app, "check", "--offline")
    lines = [line.strip() for line in result.output.splitlines()]
    assert result.exit_code == 1
    assert lines[0] == "error session-cookie-refused"  # errors first
    assert [line.partition(":")[0] for line in lines[2:5]] == ["Why", "Fix", "Docs"]
    assert lines[6] == "warning session-samesite"
    assert lines[10] == f"Docs: {DOCS_URL}#session-samesite"
    assert all(count in lines[-1] for count in ("1 error", "1 warning"))
    assert run(good_app(), "check", "--offline").output.startswith("No ")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-level", "error"], 0),
        (["--fail-level", "warning"], 1),
        (["--fail-level", "warning", "--ignore", "session-samesite"], 0),
        (["--production", "--ignore", "session-secure", "--ignore", "development-mode"], 1),
    ],
)
def test_exit_code_of_check(options: list[str], code: int) -> None:
    app = good_app(SESSION_COOKIE_SAMESITE="Strict")
    assert run(app, "check", "--offline", *options).exit_code == code


def test_check_prints_json() -> None:
    result = run(good_app(SESSION_COOKIE_SAMESITE="Strict"), "check", "--offline", "--json")
    [found] = json.loads(result.output)
    assert list(found) == ["code", "level", "title", "why", "fix", "docs"]
    assert run(good_app(), "check", "--offline", "--json").output == "[]\n"


def test_output_of_a_hook_is_not_in_the_json() -> None:
    app = good_app()
    app.before_request(partial(click.echo, "a hook"))
    result = run(app, "check", "--offline", "--json")
    assert (result.stdout, result.stderr) == ("[]\n", "a hook\n")


def test_unknown_code_is_refused() -> None:
    result = run(good_app(), "check", "--ignore", "site-wwww")
    assert (result.exit_code, "site-www?" in result.output) == (2, True)
    assert run(good_app(), "check", "--ignore", "%").exit_code == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--site", "example.com"],
        ["--site", "https://example.com/?a"],
        ["--site", "https://example.com", "--offline"],
        ["--site", "https://example.com", "--production"],
    ],
)
def test_site_that_is_not_valid(options: list[str]) -> None:
    assert run(good_app(), "check", *options).exit_code == 2


CALLBACK = "http://localhost:5000/callback"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[BaseWSGIServer]:
    """The servers that were started. Each stops at once."""
    servers: list[BaseWSGIServer] = []

    def serve(server: BaseWSGIServer) -> None:
        servers.append(server)
        server.server_close()

    monkeypatch.setattr(BaseWSGIServer, "serve_forever", serve)
    return servers


@pytest.fixture
def used_port() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("uri", [None, CALLBACK])
def test_sandbox_knows_the_app(served: list[BaseWSGIServer], uri: str | None) -> None:
    app = good_app(ALTDENTIFIER_REDIRECT_URI=uri)
    output = run(app, "sandbox", "--port", "0").stdout
    [client] = sandbox_state(cast("Flask", served[0].app)).clients.values()
    assert (client.client_id, client.client_secret) == tuple(CREDENTIALS.values())
    assert client.redirect_uris == (() if uri is None else (uri,))
    assert f"FLASK_ALTDENTIFIER_BASE_URL=http://127.0.0.1:{served[0].port}\n" in output


def test_sandbox_of_an_app_without_credentials(
    served: list[BaseWSGIServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It uses those of the sandbox, and prints them. The page has the app's name."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "no_credentials.py").write_text(
        "from flask import Flask\nfrom flask_altdentifier import blueprint\n"
        "app = Flask('shop')\napp.config['ALTDENTIFIER_CLIENT_SECRET'] = 'hush'\n"
        "app.register_blueprint(blueprint)\n"
    )
    result = flask_command("--app", "no_credentials", "altdentifier", "sandbox", "--port", "0")
    [client] = sandbox_state(cast("Flask", served[0].app)).clients.values()
    assert (client.client_id, client.client_secret, client.name) == ("sandbox", "hush", "shop")
    assert "FLASK_ALTDENTIFIER_CLIENT_ID=sandbox\n" in result.output
    assert "FLASK_ALTDENTIFIER_CLIENT_SECRET" not in result.output


@pytest.mark.parametrize(
    ("base_url", "is_used"),
    [("https://altdentifier.com", False), ("http://127.0.0.1:8400", True)],
)
def test_sandbox_signs_with_the_real_secret_for_an_app_that_points_at_it(
    served: list[BaseWSGIServer], base_url: str, is_used: bool
) -> None:
    config = {"ALTDENTIFIER_WEBHOOK_SECRET": ["real", "old"], "ALTDENTIFIER_BASE_URL": base_url}
    run(good_app(**config), "sandbox", "--port", "0")
    [webhook] = sandbox_state(cast("Flask", served[0].app)).webhooks.values()
    assert (webhook.secret == "real") is is_used


def test_sandbox_on_a_used_port(used_port: int) -> None:
    result = run(make_app(), "sandbox", "--port", str(used_port))
    assert (result.exit_code, "--port" in result.output) == (1, True)


def test_apps_after_the_sandbox_command_need_credentials(used_port: int) -> None:
    run(make_app(), "sandbox", "--port", str(used_port))
    with pytest.raises(ConfigError):
        Flask("shop").register_blueprint(blueprint)


def test_sandbox_that_cannot_use_the_redirect_uri() -> None:
    app = make_app(ALTDENTIFIER_REDIRECT_URI="https://example.com:0/callback")
    result = run(app, "sandbox")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ALTDENTIFIER_REDIRECT_URI: ")
