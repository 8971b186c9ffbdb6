"""The `flask altdentifier` commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flask_altdentifier import blueprint

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


@pytest.mark.parametrize(
    ("config", "uris"), [({}, ()), ({"ALTDENTIFIER_REDIRECT_URI": CALLBACK}, (CALLBACK,))]
)
def test_sandbox_knows_the_app(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], uris: tuple[str, ...]
) -> None:
    """`sandbox` serves an AltDentifier that knows the app's client, and says how to use it."""
    ran: list[Any] = []
    monkeypatch.setattr("flask_altdentifier.sandbox.run", lambda *given: ran.append(given))
    app = make_app(**config)
    result = app.test_cli_runner().invoke(args=["altdentifier", "sandbox", "--port", "8401"])
    assert result.exit_code == 0
    assert "FLASK_ALTDENTIFIER_BASE_URL=http://127.0.0.1:8401" in result.output
    [(port, [client])] = ran
    assert port == 8401
    assert (client.client_id, client.client_secret) == ("the-client", "the-secret")
    assert client.redirect_uris == uris
