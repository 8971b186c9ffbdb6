"""Runs contenders in turn, and compares them pair by pair."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterable
from statistics import median

#: Does some work and returns what one piece of it cost.
Batch = Callable[[], float]


class Samples(dict[str, list[float]]):
    """What each contender cost, round by round."""

    def median(self, name: str) -> float:
        """Return the median of one contender's rounds."""
        return median(self[name])

    def ratio(self, name: str, base: str) -> float:
        """Return the median of the ratios of two contenders in the same round.

        The machine is sometimes slow and sometimes fast, for both alike.
        """
        return median(a / b for a, b in zip(self[name], self[base], strict=True))


def interleaved(names: Iterable[str], prepare: Callable[[str], Batch], rounds: int) -> Samples:
    """Run a batch of each contender in each round, in random order.

    *prepare* makes a contender ready and returns its batch. The first two rounds do not count.
    """
    batches = {name: prepare(name) for name in names}
    samples = Samples({name: [] for name in batches})
    gc.collect()
    gc.freeze()  # else each collection looks at the modules and apps of all contenders
    for number in range(rounds + 2):
        for name in random.sample(list(batches), len(batches)):
            cost = batches[name]()
            if number >= 2:
                samples[name].append(cost)
    gc.unfreeze()
    return samples
