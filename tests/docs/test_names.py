"""The names and tables of the pages are the package's."""

from __future__ import annotations

import json
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask

import flask_altdentifier
from flask_altdentifier import blueprint, errors, webhooks
from flask_altdentifier.config import config_keys, key_name, read_config
from flask_altdentifier.diagnostics.findings import DOCS_URL
from flask_altdentifier.errors import AltDentifierError

from .pages import PAGES, ROOT, blocks, rows

#: `flask altdentifier NAME`, and the options up to the end of the line, the code or the comment.
COMMAND = re.compile(r"flask(?: --app \S+)? altdentifier ([a-z-]+)([^`#\n]*)")
TEXTS = {page: path.read_text() for page, path in PAGES.items()}
REFERENCE = (ROOT / "docs/reference.rst").read_text()
#: Not those that also name keys of other packages and versions.
USER_PAGES = [page for page in PAGES if page not in {"changes", "migrating"}]
REASONS = {
    kind.reason: kind
    for module in (errors, webhooks)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, AltDentifierError) and "reason" in vars(kind)
}


def quoted(cell: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("page_name", USER_PAGES)
def test_config_keys_exist(page_name: str) -> None:
    """A page names no key that nothing reads."""
    keys = {key_name(key) for key in config_keys()}
    assert set(re.findall(r"\bALTDENTIFIER_[A-Z_]+", TEXTS[page_name])) <= keys


@pytest.mark.parametrize("page_name", PAGES)
def test_commands_exist(page_name: str) -> None:
    """A page names no command or option that is missing."""
    for name, rest in COMMAND.findall(TEXTS[page_name]):
        options = {opt for param in blueprint.cli.commands[name].params for opt in param.opts}
        assert set(re.findall(r" (--[a-z-]+)", rest)) <= options, name


def test_pages_of_the_site_exist() -> None:
    """The README and the package link to pages that exist."""
    readme, site = TEXTS["README"], "https://flask-altdentifier.readthedocs.io/en/[a-z]+/"
    linked = set(re.findall(rf"{site}([\w-]+)\.html", f"{readme} {DOCS_URL}"))
    assert linked <= {path.stem for path in (ROOT / "docs").iterdir()}


def test_reference_lists_each_command() -> None:
    """The reference has each command with all of its options."""
    listed = re.findall(r"^``([a-z-]+)((?: \[.*?\])*)``$", REFERENCE, re.MULTILINE)
    commands = {name: set(re.findall(r"--[a-z-]+", options)) for name, options in listed}
    assert commands == {
        name: {opt for param in command.params for opt in param.opts if opt.startswith("--")}
        for name, command in blueprint.cli.commands.items()
    }


def test_check_options() -> None:
    """The table has each option of `check` but `--site`, which has a part of its own."""
    options = {opt for param in blueprint.cli.commands["check"].params for opt in param.opts}
    listed = {quoted(row[0])[0].split()[0] for row in rows("check", "option")}
    assert listed == options - {"--site"}


def test_output_of_check() -> None:
    """The output on the page is what the command prints."""
    app = Flask("shop")
    app.config.update(ALTDENTIFIER_CLIENT_ID="35718", ALTDENTIFIER_CLIENT_SECRET="dGhlIHNlY3JldA")
    app.config["ALTDENTIFIER_STORE"] = "memory://"
    app.register_blueprint(blueprint)
    result = app.test_cli_runner().invoke(args=["altdentifier", "check", "--offline"])
    assert result.output in [block.code for block in blocks("check")]


def test_errors() -> None:
    """Each error has its row: reason, status, class, and the title of its page."""
    table = {quoted(row[0])[0]: row for row in rows("errors", "error")}
    assert table.keys() == REASONS.keys()
    for reason, kind in REASONS.items():
        assert table[reason][0] == f"`{reason}` {kind.code}<br>`{kind.__name__}`"
        for text in re.findall("“(.*?)”", table[reason][2])[:1]:
            assert text in (kind.title, kind.button), reason


def test_problem_json() -> None:
    """The JSON on the page is what a program gets."""
    shown = next(b.code for b in blocks("errors") if b.language == "text").partition("\n\n")[2]
    assert json.loads(shown) == errors.LoginRequired(login_url="/login").problem()


def test_template_blocks() -> None:
    """The table has each block of the error page."""
    folder = Path(flask_altdentifier.__file__).parent / "templates/altdentifier"
    found = {
        block
        for name in ("base.html", "error_page.html")
        for block in re.findall(r"{% block (\w+) %}", (folder / name).read_text())
    }
    assert {name for row in rows("errors", "block") for name in quoted(row[0])} == found


def test_values_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of the page are read as it says."""
    lines = next(b.code for b in blocks("config") if b.language == "sh")
    for word in shlex.split(lines):
        if word != "export":
            monkeypatch.setenv(*word.split("=", 1))
    app = Flask("shop")
    app.config.from_prefixed_env()
    config = read_config(app.config)
    assert (config.client_id, config.client_secret, config.pkce) == ("123456789", "1e10", True)
    assert config.webhook_secret == ("new-signature", "old-signature")


@pytest.mark.parametrize(
    "name", ["", ".stores", ".errors", ".signals", ".webhooks", ".sandbox", ".testing"]
)
def test_reference_lists_each_public_name(name: str) -> None:
    """Each name that a documented module exports has its entry."""
    listed = set(re.findall(r"^\.\. [\w:]+:: ([\w.]+)", REFERENCE, re.MULTILINE))
    listed = {entry.rpartition(".")[2] for entry in listed}
    assert set(import_module(f"flask_altdentifier{name}").__all__) <= listed
