"""Sites on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from .browser import Fleet
from .site import Backend, Site, backend

STORES = ["sqlite", "redis", "postgres"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run servers, and the long search for planted faults."""
    here = Path(__file__).parent
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        is_long = item.path.name == "test_planted_faults.py"
        if item.path.parent == here and (is_long or fixtures & {"backends", "site", "frail_sites"}):
            item.add_marker(pytest.mark.server)


class Backends:
    """The servers of the stores, each started when it is needed first."""

    def __init__(self, stack: ExitStack, factory: pytest.TempPathFactory) -> None:
        self._stack, self._factory = stack, factory
        self._running: dict[str, Backend] = {}

    def get(self, kind: str) -> Backend:
        if kind not in self._running:
            directory = self._factory.mktemp(kind)
            self._running[kind] = self._stack.enter_context(backend(kind, directory))
        return self._running[kind]


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    with ExitStack() as stack:
        yield Backends(stack, tmp_path_factory)


@pytest.fixture(
    scope="session",
    params=[(kind, options) for kind in STORES for options in [(), ("--preload",)]],
    ids=lambda param: "-".join([param[0], *(option.strip("-") for option in param[1])]),
)
def site(
    request: pytest.FixtureRequest, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site on each store, with `--preload` and without, which tests leave in order."""
    kind, options = request.param
    with Site(backends.get(kind), tmp_path_factory.mktemp("site"), *options) as site:
        yield site


@pytest.fixture(scope="session")
def fleet(site: Site) -> Fleet:
    """Eight connections to `site`, four to each process."""
    return site.fleet()


@pytest.fixture(scope="session")
def frail_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """A function that returns a site on a store, whose server and processes tests may harm."""
    with ExitStack() as stack:

        @cache
        def get(kind: str) -> Site:
            directory = tmp_path_factory.mktemp("frail")
            own = stack.enter_context(backend(kind, directory))
            return stack.enter_context(Site(own, directory))

        yield get
