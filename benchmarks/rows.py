"""Lines of the table, and what our figure in them must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .contenders import NAMES, PEERS
from .samples import Samples


class Target(NamedTuple):
    """One condition on the samples of a line."""

    text: str
    holds: Callable[[Samples], bool]


class Row(NamedTuple):
    """One line of the table."""

    title: str
    samples: Samples
    targets: tuple[Target, ...] = ()
    #: Whether to show how ours compares with each of the others.
    compare: bool = True

    @property
    def met(self) -> bool:
        """Whether ours meets each target."""
        return all(target.holds(self.samples) for target in self.targets)

    def cells(self) -> list[str]:
        """Return title, medians and targets."""
        target = " and ".join(target.text for target in self.targets)
        target = target if self.met else f"**missed:** {target}"
        return [self.title, *map(self._cell, NAMES), target]

    def _cell(self, name: str) -> str:
        if name not in self.samples:
            return ""
        value = self.samples.median(name)
        text = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
        if not self.compare or name == "ours":
            return text
        return f"{text} ({self.samples.ratio('ours', name):.2f})"


def of_floor(factor: float) -> Target:
    """At most *factor* times the floor."""
    return Target(f"≤ {factor:.2f} of floor", lambda s: s.ratio("ours", "floor") <= factor)


def of_peers(factor: float) -> Target:
    """At most *factor* times each peer that takes part."""
    return Target(
        f"≤ {factor:.2f} of peers",
        lambda s: all(s.ratio("ours", peer) <= factor for peer in PEERS if peer in s),
    )


def at_most(value: float) -> Target:
    """At most *value*, in the unit of the line."""
    return Target(f"≤ {value:g}", lambda s: s.median("ours") <= value)


def over_floor(value: float) -> Target:
    """At most *value* more than the floor, in the unit of the line."""
    return Target(f"≤ floor + {value:g}", lambda s: s.median("ours") - s.median("floor") <= value)
