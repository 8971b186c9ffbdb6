"""The code on each page runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from flask_altdentifier import testing

from . import pages
from .conftest import run
from .pages import Block, Example

PAGES = [page for page in pages.PAGES if page != "README"]
EXAMPLES = [example for page in PAGES for example in pages.examples(page)]

#: Languages of blocks that are no code of ours to run: commands, and what is shown.
OTHERS = {"", "sh", "text", "html", "ini", "js", "nginx"}


# Flask-Session 0.8 takes the time of rows by a function that Python 3.12 deprecates.
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_runs(example: Example, place: Path) -> None:
    """Every Python block runs, one after the other, and the app that they make logs people in."""
    app = run(example, place).get("app")
    if not isinstance(app, Flask) or "altdentifier" not in app.extensions:
        return
    if app.config["SESSION_TYPE"] != "redis":  # there is none here
        log_in(app)


@pytest.mark.parametrize("store", ["files", "redis"])
def test_readme(store: str, place: Path) -> None:
    """The first block runs as it is, and with the other in the place of its config."""
    code, redis = (block.code for block in pages.blocks("README") if block.runs)
    if store == "redis":
        before, _, rest = code.partition("app.config.update(")
        code = f"{before}{redis}\nSession(app){rest.partition('Session(app)')[2]}"
    block = Block("README", "", "python", 1, code, None)
    app: Flask = Example("README", "", (block,)).run()["app"]
    if store == "files":  # there is none here
        log_in(app)


def log_in(app: Flask) -> None:
    """Log a browser in."""
    with testing.sandbox_for(app) as sandbox:
        assert sandbox.log_in(app.test_client()).status_code == 303


@pytest.mark.parametrize("page", pages.PAGES)
def test_files_are_named(page: str) -> None:
    """The name of a file stands in the text too: who reads the built page does not see comments."""
    text = pages.PAGES[page].read_text()
    for block in pages.blocks(page):
        if block.file is not None:
            assert re.search(rf"[`/]{re.escape(block.file)}`", text), block


@pytest.mark.parametrize("page", pages.PAGES)
def test_blocks_have_a_language(page: str) -> None:
    """A block is Python and runs, or says what else it is; one that says nothing is text."""
    for block in pages.blocks(page):
        assert block.language in OTHERS | {"python"} or block.language.startswith("{"), block
        assert block.language or "import " not in block.code, block
