"""What a wrapper of the meter costs, and to which part its time counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .meter import Meter, Tally


@dataclass(frozen=True)
class Wrapper:
    """What the wrapper of one call costs, in nanoseconds."""

    #: Counted to the part that is called, and to the part that calls.
    inside: float
    outside: float

    def own(self, tally: Tally) -> float:
        """Return the nanoseconds of a part without those of the wrappers."""
        return tally.spent - self.inside * tally.calls - self.outside * tally.called


def split(tally: Tally) -> Wrapper:
    """Return the mean of what the wrappers in *tally* cost."""
    each, share = tally.spent / tally.calls, _inside()
    return Wrapper(each * share, each * (1 - share))


def _inside(calls: int = 20_000) -> float:
    """Return the share of a wrapper's time that counts to the part that it wraps.

    It is measured on a function that does nothing.
    """

    def nothing(_first: Any, _second: Any) -> None:
        return None

    def repeat(function: Callable[..., Any]) -> None:
        for _ in range(calls):
            function(1, 2)

    def loop() -> None:
        for _ in range(calls):
            pass

    meter = Meter()
    inner = meter.wrap("inner", nothing)
    meter.wrap("loop", loop)()
    meter.wrap("bare", repeat)(nothing)
    meter.wrap("outer", repeat)(inner)
    spent = {title: tally.spent for title, tally in meter.tallies.items()}
    within = spent["inner"] - (spent["bare"] - spent["loop"])
    return within / (within + spent["outer"] - spent["loop"])
