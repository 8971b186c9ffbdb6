"""Reads what each part of a journey costs, from requests that nothing disturbed."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

from .journeys import Journey
from .meter import Meter, Tally
from .parts import Part
from .wrapper import Wrapper


class Reading:
    """What some requests cost, part by part."""

    def __init__(self) -> None:
        self.requests = 0
        #: Nanoseconds of CPU, and those for which this process had nothing to do.
        self.cpu = 0
        self.waited = 0
        self.tallies: dict[str, Tally] = {}

    def add(self, tallies: Mapping[str, Tally], cpu: int, wall: int) -> None:
        """Add one request, which took so many nanoseconds."""
        self.requests += 1
        self.cpu += cpu
        self.waited += wall - cpu
        for title, tally in tallies.items():
            self.tallies.setdefault(title, Tally()).add(tally)

    @property
    def whole(self) -> float:
        """Microseconds of CPU of one request."""
        return self.cpu / self.requests / 1e3

    def calls(self, part: Part) -> float:
        """Return how often a part was called in one request."""
        return self.tallies[part.title].calls / self.requests

    def microseconds(self, part: Part, wrapper: Wrapper) -> float:
        """Return the CPU time of a part in one request."""
        tally = self.tallies[part.title]
        waited = self.waited if part.waits and tally.calls else 0
        return (wrapper.own(tally) - waited) / self.requests / 1e3


def read(journey: Journey, parts: Sequence[Part], *, twice: bool = False) -> Reading:
    """Send a batch of requests to an app whose *parts* are watched, *twice* over or once."""
    # CPython adapts its code to functions that are put in the place of others.
    first, batch = journey.requests(journey.size // 2), journey.requests(journey.size)
    reading, meter = Reading(), Meter()
    gc.collect()
    with meter.watching({part.title: part.places for part in parts}, twice=twice):
        for environ in first:
            journey.send(environ)
        for environ in batch:
            meter.forget()
            if took := _undisturbed(partial(journey.send, environ)):
                reading.add(meter.tallies, *took)
    return reading


def _undisturbed(send: Callable[[], None]) -> tuple[int, int] | None:
    """Call *send* and return the nanoseconds that it took, of CPU and on the wall.

    None where the kernel took the CPU away meanwhile: then neither is what it would have been.
    """
    switches = _switches()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    send()
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    return (cpu - _CLOCK, wall) if _switches() == switches else None


def _switches() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _look() -> int:
    cpu = time.process_time_ns()
    return time.process_time_ns() - cpu


#: Nanoseconds of CPU that it takes to look at the clock.
_CLOCK = int(median(_look() for _ in range(1000)))
