"""Where the pages' code runs: an empty directory, with credentials in the environment."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_altdentifier.testing import Sandbox

from .pages import Example, example

#: What ran in the present test.
_ran: list[dict[str, Any]] = []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make an empty directory the current one, and set what the pages expect to be set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)
    for app in ("FLASK", "SHOP", "FORUM"):
        monkeypatch.setenv(f"{app}_ALTDENTIFIER_CLIENT_ID", f"the-client-of-{app}")
        monkeypatch.setenv(f"{app}_ALTDENTIFIER_CLIENT_SECRET", f"the-secret-of-{app}")
    monkeypatch.setenv("FLASK_ALTDENTIFIER_WEBHOOK_SECRET", "the-signature")
    monkeypatch.setenv("FLASK_DISCORD_CLIENT_ID", "300000000000000009")  # read as a number
    monkeypatch.setenv("FLASK_DISCORD_CLIENT_SECRET", "discords-secret")
    yield tmp_path
    for names in _ran:
        if "db" in names:  # its pool keeps connections open
            with names["app"].app_context():
                names["db"].engine.dispose()
    _ran.clear()


def run(script: Example, directory: Path) -> dict[str, Any]:
    """Write an example's files into *directory*, the current one, and run its blocks.

    Skips the test if a module is missing that the example needs. With CI set, the test fails.
    """
    for module in script.needs:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{module} is not installed")
    script.write(directory)
    names = script.run()
    _ran.append(names)
    return names


class Site:
    """The app of a script, a browser and a sandbox."""

    def __init__(self, names: dict[str, Any], sandbox: Sandbox) -> None:
        self.names = names
        self.app: Flask = names["app"]
        self.client = self.app.test_client()
        self.sandbox = sandbox

    def log_in(self, scope: str = "read:user", **options: Any) -> None:
        """Log the browser in."""
        self.sandbox.log_in(self.client, scope, **options)

    def visit(self, path: str) -> str:
        """Visit a path as a browser does, and return where that leads, or the text."""
        response = self.client.get(path, headers={"Accept": "text/html"})
        return str(response.location or response.text)


@pytest.fixture
def site(place: Path) -> Iterator[Callable[..., Site]]:
    """A function that runs the script `page`, or `page, name`, and returns its `Site`."""
    with Sandbox() as sandbox:
        yield lambda page, name="": Site(run(example(page, name), place), sandbox)
