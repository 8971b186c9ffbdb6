from __future__ import annotations

import pytest

from .site import Site


@pytest.fixture
def site() -> Site:
    """A sandbox with the default client."""
    return Site()
