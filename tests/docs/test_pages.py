"""The code on each page runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from flask_altdentifier.testing import Sandbox

from . import pages
from .conftest import run
from .pages import Example

EXAMPLES = [example for page in pages.PAGES for example in pages.examples(page)]

#: Languages of blocks that are not run: commands, files, and what is shown.
OTHERS = {"sh", "text", "html", "ini", "js", "nginx", "yaml"}


# Flask-Session 0.8 takes the time of rows by a function that Python 3.12 deprecates.
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_runs(example: Example, place: Path) -> None:
    """Every Python block runs, and the app that they create logs people in."""
    app = run(example, place).get("app")
    if isinstance(app, Flask) and "altdentifier" in app.extensions and not _needs_server(app):
        with Sandbox(app) as sandbox:
            assert sandbox.log_in(app.test_client()).status_code == 303


def _needs_server(app: Flask) -> bool:
    """Return whether logins are kept on a server, which the tests of the docs do not have."""
    store = type(app.config["ALTDENTIFIER_STORE"]).__name__
    return store in {"Redis", "Engine"} or app.config.get("SESSION_TYPE") == "redis"


@pytest.mark.parametrize("page_name", pages.PAGES)
def test_blocks_say_what_they_are(page_name: str) -> None:
    """A block has a language, and the text names the file that it is."""
    text = pages.PAGES[page_name].read_text()
    for block in pages.blocks(page_name):
        assert block.language in OTHERS | {"python"} or block.language.startswith("{"), block
        if block.file is not None:
            assert re.search(rf"[`/]{re.escape(block.file)}`", text), block
