"""Times functions where they run: each one's own time, without that of the others it calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import update_wrapper
from inspect import getattr_static
from pkgutil import resolve_name
from typing import Any

#: The part to which the wrappers' own time counts.
WRAPPERS = "the wrappers"


@dataclass
class Tally:
    """What one part has cost so far."""

    #: Its own time in nanoseconds, by the clock on the wall; the wrappers' own time is in it.
    spent: int = 0
    #: How often its functions were called, and how often they called those of any part.
    calls: int = 0
    called: int = 0

    def add(self, other: Tally) -> None:
        """Add what *other* counted."""
        self.spent += other.spent
        self.calls += other.calls
        self.called += other.called


class Meter:
    """Tallies of parts, by title. For one thread."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        # The calls that are running: the part of each, and the time that others took in it.
        self._running: list[Any] = [[Tally(), 0]]

    def wrap(self, title: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return *function*, whose calls then count to the part of that title."""
        tally = self.tallies.setdefault(title, Tally())
        running, clock = self._running, time.perf_counter_ns

        def measured(*args: Any, **kwargs: Any) -> Any:
            call: list[Any] = [tally, 0]
            running.append(call)
            began = clock()
            try:
                return function(*args, **kwargs)
            finally:
                took = clock() - began
                running.pop()
                tally.spent += took - call[1]
                tally.calls += 1
                caller = running[-1]
                caller[1] += took
                caller[0].called += 1

        return update_wrapper(measured, function)

    def forget(self) -> None:
        """Count anew."""
        for tally in self.tallies.values():
            tally.spent = tally.calls = tally.called = 0

    @contextmanager
    def watching(self, places: Mapping[str, tuple[str, ...]], *, twice: bool) -> Iterator[None]:
        """Time the functions at *places*, such as `package.module.Class.function`, by title.

        *Twice* puts another wrapper around each wrapper: what it counts, to `WRAPPERS`, is what
        one costs where it is used. Raises `AttributeError` where there is no such function.
        """
        found = [(title, *_found(place)) for title, some in places.items() for place in some]
        try:
            for title, owner, name, function in found:
                wrapped = self.wrap(title, function)
                setattr(owner, name, self.wrap(WRAPPERS, wrapped) if twice else wrapped)
            yield
        finally:
            for _, owner, name, function in found:
                setattr(owner, name, function)


def _found(place: str) -> tuple[Any, str, Callable[..., Any]]:
    path, _, name = place.rpartition(".")
    owner = resolve_name(path)
    if not hasattr(owner, name):
        raise AttributeError(f"There is no {place}; see benchmarks/profile.")
    return owner, name, getattr_static(owner, name)
