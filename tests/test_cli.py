"""`flask altdentifier link` and `logout-all`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from flask_altdentifier import blueprint

from .support import WatchedStore, bare_app, log_in


def test_link(app: Flask) -> None:
    run = app.test_cli_runner()
    result = run.invoke(args=["altdentifier", "link", "--guild-id", "42"])
    assert result.output.endswith("client_id=the-client&scope=write:integrations&guild_id=42\n")
    assert run.invoke(args=["altdentifier", "link"]).exit_code == 0


def test_link_names_the_option_of_an_invalid_id(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["altdentifier", "link", "--guild-id", "x"])
    assert result.exit_code == 2
    assert "--guild-id" in result.output


@pytest.mark.parametrize(("count", "text"), [(0, "0 logins"), (1, "1 login "), (2, "2 logins")])
def test_logout_all_ends_every_login(app: Flask, count: int, text: str) -> None:
    browsers = [app.test_client() for _ in range(count)]
    for browser in browsers:
        log_in(browser)
    result = app.test_cli_runner().invoke(args=["altdentifier", "logout-all"], input="y\n")
    assert text in result.output
    assert [browser.get("/who").text for browser in browsers] == ["nobody"] * count


def test_logout_all_asks_first(app: Flask, store: WatchedStore) -> None:
    log_in(app.test_client())
    result = app.test_cli_runner().invoke(args=["altdentifier", "logout-all"], input="n\n")
    assert result.exit_code == 1
    assert len(store.keys("grant")) == 1


def test_logout_all_with_the_store_down_is_one_line(app: Flask, store: WatchedStore) -> None:
    store.fail()
    result = app.test_cli_runner().invoke(args=["altdentifier", "logout-all", "--yes"])
    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("Error: ")
    assert "ALTDENTIFIER_STORE" in line


def test_config_error_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")  # Flask sets it, and never removes it
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "not_configured.py").write_text(
        "from flask import Flask\nfrom flask_altdentifier import blueprint\n"
        "app = Flask('x')\napp.register_blueprint(blueprint)\n"
    )
    group = FlaskGroup(add_default_commands=False)
    result = CliRunner().invoke(group, ["--app", "not_configured", "altdentifier", "link"])
    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("Error: ALTDENTIFIER_CLIENT_ID is missing. ")


def test_commands_take_the_current_app(app: Flask) -> None:
    with app.app_context():
        assert CliRunner().invoke(blueprint.cli, ["link"]).exit_code == 0


def test_commands_keep_their_name() -> None:
    app = bare_app()
    app.register_blueprint(blueprint, name="auth")
    assert app.test_cli_runner().invoke(args=["altdentifier", "link"]).exit_code == 0
