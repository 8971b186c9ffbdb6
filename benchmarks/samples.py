"""Runs contenders in turn, and compares them pair by pair."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

#: Does some work and returns what one piece of it cost.
Batch = Callable[[], float]


@dataclass
class Samples:
    """What each contender cost, round by round."""

    values: dict[str, list[float]] = field(default_factory=dict)
    #: Why those that are not in `values` failed.
    failed: dict[str, str] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Return the median of one contender's rounds."""
        return median(self.values[name])

    def ratio(self, name: str, base: str) -> float:
        """Return the median of the ratios of two contenders in the same round.

        The machine is sometimes slow and sometimes fast, for both alike.
        """
        pairs = zip(self.values[name], self.values[base], strict=True)
        return median(a / b if b else float(a == b) for a, b in pairs)

    def fail(self, name: str, problem: Exception) -> None:
        """Note that a contender could not do the work."""
        self.failed[name] = f"{type(problem).__name__}: {problem}"[:60]
        self.values.pop(name, None)


def interleaved(
    prepare: Mapping[str, Callable[[], Batch]], rounds: int, *, warm_up: int = 2
) -> Samples:
    """Run a batch of each contender in each round, in random order.

    *prepare* makes a contender ready and returns its batch. The first *warm_up* rounds do not
    count. If a contender raises, this is noted and the others go on.
    """
    samples, batches = Samples(), {}
    for name, make in prepare.items():
        try:
            batches[name] = make()
        except Exception as problem:
            samples.fail(name, problem)
        else:
            samples.values[name] = []
    gc.collect()
    gc.freeze()  # else each collection looks at the modules and apps of all contenders
    for number in range(warm_up + rounds):
        for name in random.sample(list(samples.values), len(samples.values)):
            try:
                cost = batches[name]()
            except Exception as problem:
                samples.fail(name, problem)
                continue
            if number >= warm_up:
                samples.values[name].append(cost)
    gc.unfreeze()
    return samples
