"""What our figure must be, in words and as a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .contenders import PEERS
from .samples import Samples


@dataclass(frozen=True)
class Target:
    """One condition on the samples of a line."""

    text: str
    holds: Callable[[Samples], bool]


def of_floor(factor: float) -> Target:
    """At most *factor* times the floor."""
    return Target(
        f"≤ {factor:.2f} of floor",
        lambda s: "floor" in s.values and s.ratio("ours", "floor") <= factor,
    )


def of_peers(factor: float) -> Target:
    """At most *factor* times each peer that took part."""

    def holds(samples: Samples) -> bool:
        among = [peer for peer in PEERS if peer in samples.values]
        return bool(among) and all(samples.ratio("ours", peer) <= factor for peer in among)

    return Target(f"≤ {factor:.2f} of peers", holds)


def at_most(value: float) -> Target:
    """At most *value*, in the unit of the line."""
    return Target(f"≤ {value:g}", lambda s: s.median("ours") <= value)


def over_floor(value: float) -> Target:
    """At most *value* more than the floor, in the unit of the line."""
    return Target(f"≤ floor + {value:g}", lambda s: s.median("ours") - s.median("floor") <= value)
