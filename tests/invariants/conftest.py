"""Sites on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from .browser import Fleet
from .site import Backend, Site, backend

#: A function that returns a backend, or a site, on a store. Each is started once.
Backends = Callable[[str], Backend]
Sites = Callable[[str], Site]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run servers, and the long search for planted faults."""
    for item in items:
        uses_servers = "backends" in getattr(item, "fixturenames", ())
        if item.path.parent == Path(__file__).parent and (
            uses_servers or item.path.name == "test_planted_faults.py"
        ):
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backends]:
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(backend(kind, tmp_path_factory.mktemp(kind))))


@pytest.fixture(
    scope="session",
    params=[(kind, way) for kind in ("sqlite", "redis", "postgres") for way in ("", "--preload")],
    ids="".join,
)
def site(
    request: pytest.FixtureRequest, backends: Backends, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site on each store, with `--preload` and without, which tests leave in order."""
    kind, way = request.param
    options = [way] if way else []
    with Site(backends(kind), tmp_path_factory.mktemp("site"), *options) as site:
        yield site


@pytest.fixture(scope="session")
def fleet(site: Site) -> Fleet:
    """Eight connections to `site`, four to each process."""
    return site.fleet()


@pytest.fixture(scope="session")
def frail_sites(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Sites whose servers and processes tests may harm."""
    with ExitStack() as stack:

        @cache
        def get(kind: str) -> Site:
            directory = tmp_path_factory.mktemp("frail")
            own = stack.enter_context(backend(kind, directory))
            return stack.enter_context(Site(own, directory))

        yield get
