"""The `flask altdentifier` commands."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import BaseWSGIServer

from flask_altdentifier import blueprint
from flask_altdentifier.sandbox import sandbox_state

from .check.checking import flask_command, good_app
from .support import bare_app, make_app


def test_link() -> None:
    """`link` prints the integration link."""
    run = make_app().test_cli_runner()
    result = run.invoke(args=["altdentifier", "link"])
    assert result.output == (
        "https://altdentifier.com/oauth2/authorize?client_id=the-client&scope=write:integrations\n"
    )
    result = run.invoke(args=["altdentifier", "link", "--guild-id", "42"])
    assert result.output.endswith("&guild_id=42\n")


def test_link_refuses_what_is_no_snowflake() -> None:
    """A wrong id is named with its option."""
    result = make_app().test_cli_runner().invoke(args=["altdentifier", "link", "--guild-id", "x"])
    assert result.exit_code == 2
    assert "--guild-id" in result.output
    assert "snowflake" in result.output


def test_config_error_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that cannot be loaded ends a command with the error's message, not a traceback."""
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")  # Flask sets it, and never takes it back
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
    """Like Flask's commands, ours take the current app where there is one."""
    with good_app().app_context():
        assert CliRunner().invoke(blueprint.cli, arguments).exit_code == 0


def test_commands_under_another_name() -> None:
    """Whatever the blueprint's name is, the commands are `flask altdentifier`."""
    app = bare_app()
    app.register_blueprint(blueprint, name="auth")
    assert app.test_cli_runner().invoke(args=["altdentifier", "link"]).exit_code == 0


CALLBACK = "http://localhost:5000/callback"
NO_PORT = "https://example.com:/callback"  # good: RFC 3986 section 3.2.3


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[BaseWSGIServer]:
    """The servers that were started; each stops at once."""
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


def run_sandbox(*options: str, **config: Any) -> Result:
    """Run `flask altdentifier sandbox` for an app with *config*."""
    run = make_app(**config).test_cli_runner()
    return run.invoke(args=["altdentifier", "sandbox", *options])


@pytest.mark.parametrize(
    ("config", "uris"),
    [
        ({}, ()),
        ({"ALTDENTIFIER_REDIRECT_URI": CALLBACK}, (CALLBACK,)),
        ({"ALTDENTIFIER_REDIRECT_URI": NO_PORT}, (NO_PORT,)),
    ],
)
def test_sandbox_knows_the_app(
    served: list[BaseWSGIServer], config: dict[str, Any], uris: tuple[str, ...]
) -> None:
    """`sandbox` serves an AltDentifier that knows the app's client."""
    assert run_sandbox("--port", "0", **config).exit_code == 0
    [client] = sandbox_state(cast("Flask", served[0].app)).clients.values()
    assert (client.client_id, client.client_secret) == ("the-client", "the-secret")
    assert client.redirect_uris == uris


def test_sandbox_says_where_it_is(served: list[BaseWSGIServer]) -> None:
    """What is printed has the port that the server got, and comes once it listens."""
    output = run_sandbox("--port", "0").stdout
    port = served[0].port
    assert port != 0
    assert output.startswith(
        f"Sandbox on http://127.0.0.1:{port}/ (press Ctrl+C to stop)\n"
        f"Run the app with FLASK_ALTDENTIFIER_BASE_URL=http://127.0.0.1:{port}\n"
    )


def test_sandbox_whose_port_is_in_use(used_port: int) -> None:
    """A port in use is one line that says what to do, and no address before it."""
    result = run_sandbox("--port", str(used_port))
    assert result.exit_code == 1
    assert result.output == f"Error: Port {used_port} is in use. Choose another with --port.\n"


def test_sandbox_that_cannot_take_the_redirect_uri() -> None:
    """A redirect URI that is good for the app but not for the sandbox is named with its key."""
    result = run_sandbox(ALTDENTIFIER_REDIRECT_URI="https://example.com:0/callback")
    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith(
        "Error: ALTDENTIFIER_REDIRECT_URI: 'https://example.com:0/callback' is no redirect URI"
    )
