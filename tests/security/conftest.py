"""Fixtures of the security tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..http.conftest import authority as authority
from ..http.conftest import certificate as certificate
from ..http.conftest import trusted as trusted
from .watch import Watch, watching


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Every log record of every logger, at DEBUG."""
    with watching() as watch:
        yield watch
