"""Why an app cannot be loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flask_altdentifier.diagnostics.loading import explain_load_error
from flask_altdentifier.errors import ConfigError

from .apps import flask_command


@pytest.mark.parametrize(
    ("source", "code", "text"),
    [
        ("app = 1\nimport os\nos.environ['NOT_SET']", "app-not-loaded", "NOT_SET"),
        ("raise SystemExit", "app-not-loaded", "line 1"),
        ("def create_app(): 1 / 0", "app-not-loaded", "division"),
        ("import not_installed", "app-not-loaded", "not_installed"),
        ("\nimport not_installed", "app-not-loaded", "line 2 of"),
        ("\ndef create_app(:", "app-not-loaded", "line 2 of"),
        ("x = 1", "app-not-loaded", "--app"),
        ("from flask import Flask\napp = Flask('x')", "blueprint-missing", "blueprint"),
        (
            "from tests.support import bare_app, blueprint\n"
            "bare_app(ALTDENTIFIER_PKCE=1).register_blueprint(blueprint)",
            "config-invalid",
            "ALTDENTIFIER_PKCE = True",
        ),
    ],
)
def test_app_that_cannot_be_loaded_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, code: str, text: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "broken_app", raising=False)
    (tmp_path / "broken_app.py").write_text(source)
    result = flask_command("--app", "broken_app", "altdentifier", "check", "--json")
    [found] = json.loads(result.output)
    assert found["code"] == code
    assert text in found["title"] + found["fix"]
    assert result.exit_code == 1


def test_error_without_a_place_in_the_app_is_explained() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("")
    error = caught.value
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    assert "json" in explain_load_error(error).fix


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("ALTDENTIFIER_CLIENT_ID is None.", 'ALTDENTIFIER_CLIENT_ID = "..."  # copy it'),
        ("SESSION_TYPE must be a string", "Change the config"),
    ],
)
def test_config_error_has_its_fix(message: str, fix: str) -> None:
    assert explain_load_error(ConfigError(message)).fix.startswith(fix)
