"""A pytest plugin for `tox -e mutation`: tests each mutant in less time.

mutmut names hundreds of tests in random order, and none that runs a function only by importing its
module. With this plugin, pytest finds whole files, which takes less time. It starts with all tests
of the mutant's module.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

#: Tests of deadlines. They count for the modules in `http` only.
SLOW = re.compile("deadline|less_time|within|hangs")
WANTED = pytest.StashKey[frozenset[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[WANTED] = wanted = frozenset(name for name in config.args if "::" in name)
    if wanted:
        own = {own_file()} if Path(own_file()).is_file() else set()
        config.args[:] = sorted({*own, *(name.partition("::")[0] for name in wanted)})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.stash[WANTED]
    if wanted:
        own = [item for item in items if item.nodeid.startswith(f"{own_file()}::")]
        others = [item for item in items if item.nodeid in wanted and item not in own]
        if not own_file().startswith("tests/http/"):
            others = [item for item in others if not SLOW.search(item.nodeid)]
        others.sort(key=lambda item: item.get_closest_marker("server") is not None)
        items[:] = own + others


def own_file() -> str:
    """Return the path for the tests of the mutant's module. Before the first mutant, it is ""."""
    _, *names = os.environ["MUTANT_UNDER_TEST"].partition(".x")[0].split(".")
    return "/".join(("tests", *names[:-1], f"test_{names[-1]}.py")) if names else ""
