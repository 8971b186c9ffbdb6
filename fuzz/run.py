"""Runs a target for some time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol


class Target(Protocol):
    """One place where input from outside comes in."""

    def make(self, random: Random) -> Any:
        """Return an input."""
        ...

    def check(self, given: Any) -> bool:
        """Tell whether the package took *given*. Raises whatever it raises, or `AssertionError`."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How many inputs were tried, how many were taken, and what broke one of them."""

    tried: int
    taken: int
    culprit: Any = None
    error: BaseException | None = None

    def __str__(self) -> str:
        told = f"{self.tried} inputs tried, {self.taken} of them taken"
        return told if self.error is None else f"{told}; broken by {self.culprit!r}: {self.error!r}"


def run(target: Target, *, seconds: float, seed: int) -> Outcome:
    """Try inputs for *seconds*, or until one breaks the package."""
    random = Random(seed)
    end = time.monotonic() + seconds
    tried = taken = 0
    while time.monotonic() < end:
        given = target.make(random)
        tried += 1
        try:
            taken += target.check(given)
        except Exception as error:
            return Outcome(tried, taken, given, error)
    return Outcome(tried, taken)
