"""Sites on real backends, for tests that search for the failure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .harness import Site
from .servers import REDIS_SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .browser import Fleet

# Where CI is set a missing server is a failure.
MISSING = REDIS_SERVER is None and not os.environ.get("CI")
NEEDS_REDIS = [
    pytest.mark.redis,
    pytest.mark.skipif(MISSING, reason="redis-server is not on the PATH"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs servers of its own, and the long search for planted faults."""
    here = Path(__file__).parent
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        long = item.path.name == "test_planted_faults.py"
        if item.path.parent == here and (long or names & {"site", "frail", "fragile"}):
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session", params=["files", pytest.param("redis", marks=NEEDS_REDIS)])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site on each backend, for all tests that leave it whole."""
    with Site(request.param, tmp_path_factory.mktemp(request.param)) as site:
        yield site


@pytest.fixture(scope="session")
def fleet(site: Site) -> Fleet:
    """Eight connections to that site, four to each process."""
    return site.fleet()


@pytest.fixture(scope="module", params=[pytest.param("redis", marks=NEEDS_REDIS)])
def frail(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site on Redis of which a test may break what it likes."""
    with Site(request.param, tmp_path_factory.mktemp("frail")) as site:
        yield site


@pytest.fixture(params=["files", pytest.param("redis", marks=NEEDS_REDIS)])
def fragile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site on each backend of which a test may kill the processes."""
    with Site(request.param, tmp_path_factory.mktemp(f"fragile-{request.param}")) as site:
        yield site
