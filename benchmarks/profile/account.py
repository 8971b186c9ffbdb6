"""What all parts of a journey cost, measured with instruments and compared with a run without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from . import libraries, package
from .instruments import Reading, read
from .journeys import Journey
from .limits import alone
from .meter import WRAPPERS, Tally
from .parts import Part
from .wrapper import Wrapper, split

PARTS: tuple[Part, ...] = libraries.PARTS + package.PARTS


@dataclass(frozen=True)
class Cost:
    """What one part costs in one request."""

    part: Part
    calls: float
    #: Microseconds of CPU.
    spent: float
    #: Microseconds of what it stands on, called as often; None where there is no such thing.
    limit: float | None


@dataclass(frozen=True)
class Account:
    """What one request costs, in microseconds of CPU."""

    journey: Journey
    costs: list[Cost]
    #: Measured without instruments.
    whole: float

    @property
    def explained(self) -> float:
        """All parts together."""
        return sum(cost.spent for cost in self.costs)

    def of(self, owner: str) -> float:
        """Return what the parts of one owner cost together."""
        return sum(cost.spent for cost in self.costs if cost.part.owner == owner)


def account_for(journey: Journey, rounds: int) -> Account:
    """Measure a journey: medians of that many rounds, after one that does not count.

    Raises `RuntimeError` where the machine is so busy that each request was disturbed.
    """
    plain, watched, wrappers = [], [], Tally()
    for _ in range(rounds + 1):
        plain.append(read(journey, ()))
        watched.append(read(journey, PARTS))
        wrappers.add(read(journey, PARTS, twice=True).tallies.get(WRAPPERS, Tally()))
    plain, watched = _good(plain[1:]), _good(watched[1:])
    whole = median(reading.whole for reading in plain)
    return Account(journey, list(_costs(journey, watched, split(wrappers))), whole)


def _good(readings: Sequence[Reading]) -> list[Reading]:
    """Return those of requests that nothing disturbed. Raises `RuntimeError` for none."""
    good = [reading for reading in readings if reading.requests]
    if not good:
        raise RuntimeError("the machine is too busy")
    return good


def _costs(journey: Journey, readings: Sequence[Reading], wrapper: Wrapper) -> Iterator[Cost]:
    for part in PARTS:
        if calls := readings[0].calls(part):
            spent = median(reading.microseconds(part, wrapper) for reading in readings)
            limit = None if part.limit is None else alone(part.limit.make(journey)) * calls
            yield Cost(part, calls, spent, limit)
