"""Connections from one worker to the provider."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from .. import proxy
from ..browser import Browser
from ..lab import Lab, Place

#: Threads of a worker that are tried.
THREADS = (1, 4, 10, 20)
#: Logins of each thread, one after the other.
LOGINS = 5


@dataclass(frozen=True)
class Connections:
    """What a worker's threads need when all log people in at once."""

    threads: int
    logins: int
    opened: int


def connections(lab: Lab) -> Iterator[Connections]:
    """Count them, with the provider 50 ms away, so that the logins overlap."""
    with proxy.running(lab.provider.port, round_trip=0.050) as port:
        far = replace(lab, provider=replace(lab.provider, port=port))
        for threads in THREADS:
            place = far.in_memory("ours")
            before = lab.provider.connections.value

            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(_log_in, [place] * threads * LOGINS))
            yield Connections(threads, threads * LOGINS, lab.provider.connections.value - before)


def _log_in(place: Place) -> None:
    Browser(place.app).log_in(place.contender)
