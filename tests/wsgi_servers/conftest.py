"""Each server, started once for its stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .servers import COMMANDS, Site, run_site


@pytest.fixture(scope="session", params=COMMANDS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A site on each server."""
    with run_site(request.param, tmp_path_factory.mktemp("site")) as site:
        yield site
