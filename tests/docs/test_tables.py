"""The tables of the pages tell what the code says."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask

import flask_altdentifier
from flask_altdentifier import blueprint, errors, webhooks
from flask_altdentifier.check.findings import FINDINGS
from flask_altdentifier.errors import AltDentifierError, ConfigError
from flask_altdentifier.sandbox import Failure
from flask_altdentifier.settings import Settings

from .pages import PAGES, ROOT, blocks


def rows(page: str, header: str) -> list[list[str]]:
    """Return the cells of the table of *page* whose first line begins with *header*."""
    _, found, rest = PAGES[page].read_text().partition(f"\n| {header} |")
    assert found, header
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def code(cell: str) -> str:
    """Return what stands between the backticks of a cell."""
    match = re.fullmatch(r"`([^`]*)`", cell)
    assert match, cell
    return match[1]


def test_reason_codes() -> None:
    """Each error has its line: reason code, status, class."""
    written = [
        (*(code(name) for name in names.split("<br>")), int(status))
        for names, status, *_ in rows("errors", "reason code and class")
    ]
    kinds: list[type[AltDentifierError]] = [
        kind
        for module in (errors, webhooks)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, AltDentifierError) and "reason" in vars(kind)
    ]
    assert sorted(written) == sorted({(k.reason, k.__name__, k.code) for k in kinds})


def test_problem_json() -> None:
    """What a program gets is what the page shows."""
    text = PAGES["errors"].read_text().partition('\n{"type"')[2].partition("\n```")[0]
    app = Flask("shop")
    app.config.update(ALTDENTIFIER_CLIENT_ID="a", ALTDENTIFIER_CLIENT_SECRET="b")
    app.register_blueprint(blueprint)
    with app.test_request_context():
        body = errors.LoginRequired().get_body()
    assert " ".join(('{"type"' + text).split()) == body


@pytest.mark.parametrize("page", ["config", "README"])
def test_config(page: str) -> None:
    """Each key has its line, with its default."""
    header = "key (`ALTDENTIFIER_` +)" if page == "config" else "key"
    written: dict[str, str] = {}
    for keys, default, *_ in rows(page, header):
        written |= dict.fromkeys(re.findall(r"`(\w+)`", keys), default)
    assert {field.name.upper() for field in fields(Settings)} == set(written)
    if page == "config":
        required = {"ALTDENTIFIER_CLIENT_ID": "a", "ALTDENTIFIER_CLIENT_SECRET": "b"}
        given = {f"ALTDENTIFIER_{k}": eval(code(v)) for k, v in written.items() if v != "required"}  # noqa: S307
        assert Settings.from_config(required) == Settings.from_config(required | given)


def test_config_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of the page are taken as they are written."""
    lines = next(b.code for b in blocks("config") if b.language == "sh")
    for word in shlex.split(lines):
        if word != "export":
            monkeypatch.setenv(*word.split("=", 1))
    app = Flask("shop")
    app.config.from_prefixed_env()
    settings = Settings.from_config(app.config)
    assert (settings.client_id, settings.client_secret) == ("123456789", "1e10")
    assert settings.scope == {"read:user", "write:integrations"}
    assert settings.pkce


def test_findings() -> None:
    """Each code of `flask altdentifier check` has its line, with its level."""
    written = {code(name): level for name, level, _ in rows("check", "code")}
    assert written == {name: level for name, (level, *_) in FINDINGS.items()}


def test_failures() -> None:
    """Each failure of the sandbox has its line."""
    written = [code(name) for name, *_ in rows("sandbox", "failure")]
    assert written == [
        f"Failure.{failure.name}" for failure in Failure if failure is not Failure.NONE
    ]


def test_reference() -> None:
    """Each public name has its entry."""
    written = (ROOT / "docs" / "reference.rst").read_text()
    named = set(re.findall(r"^\.\. [\w:-]+:: (?:[\w.]+\.)?(\w+)", written, re.MULTILINE))
    named |= set(re.findall(r"^``flask_altdentifier\.(\w+)``$", written, re.MULTILINE))
    source = (Path(flask_altdentifier.__file__)).read_text()
    public = set(re.findall(r"^ *from \.\w* import \w+ as (\w+)$", source, re.MULTILINE))
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    public |= {kind.__name__ for kind in kinds if kind.__module__ == errors.__name__}
    assert {name for name in public if not name.startswith("_")} <= named


def test_config_error_is_no_answer() -> None:
    """As the page says, it is for the people who set the app up."""
    assert issubclass(ConfigError, RuntimeError)
    assert not issubclass(ConfigError, AltDentifierError)
