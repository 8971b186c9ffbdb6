"""The place where the pages' code runs: an empty directory, with credentials in the environment."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .pages import Example

#: What was run in the place of the present test.
_ran: list[dict[str, Any]] = []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make an empty directory the current one, and set what the pages expect to be set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASK_ALTDENTIFIER_CLIENT_ID", "the-client")
    monkeypatch.setenv("FLASK_ALTDENTIFIER_CLIENT_SECRET", "the-secret")
    monkeypatch.setenv("FLASK_ALTDENTIFIER_WEBHOOK_SECRET", "the-signature")
    for name in ("SHOP", "FORUM"):
        monkeypatch.setenv(f"{name}_ALTDENTIFIER_CLIENT_ID", f"the-{name.lower()}")
        monkeypatch.setenv(f"{name}_ALTDENTIFIER_CLIENT_SECRET", f"{name.lower()}s-secret")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9")  # where none is
    yield tmp_path
    for names in _ran:
        if "db" in names:  # its pool keeps connections open
            with names["app"].app_context():
                names["db"].engine.dispose()
    _ran.clear()


def run(example: Example, directory: Path) -> dict[str, Any]:
    """Write an example's files into *directory*, the current one, and run its blocks.

    Skips the test where a module is not there that the example needs; with CI set, it fails.
    """
    for module in example.needs:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{module} is not installed")
    example.write(directory)
    names = example.run()
    _ran.append(names)
    return names
