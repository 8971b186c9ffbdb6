"""What would break the benchmarks without a test that runs them."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest

from benchmarks.profile.package import PARTS


@pytest.mark.parametrize("place", [place for part in PARTS for place in part.places])
def test_profiled_function_exists(place: str) -> None:
    """The profile measures functions by their names, so a rename must reach it."""
    assert callable(resolve_name(place))
