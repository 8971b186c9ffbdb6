"""What it costs to log in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from .. import proxy, targets
from ..browser import REDIRECT, Browser, timed
from ..contenders import NAMES
from ..lab import Lab, Place, Row
from ..samples import Batch, interleaved, once

#: Those that speak with the provider.
TALKERS = tuple(name for name in NAMES if name != "flask_login")


def login(lab: Lab) -> list[Row]:
    """The first half: off to the provider."""
    size, rounds = lab.amount(200, 50), lab.amount(30, 6)

    def prepare(name: str) -> Batch:
        place = lab.in_memory(name)

        def batch() -> float:
            environs = [Browser(place.app).environ(place.contender.login_path) for _ in range(size)]
            return timed(place.app, environs, REDIRECT) * 1e6

        return batch

    samples = interleaved({name: partial(prepare, name) for name in TALKERS}, rounds)
    bounds = (targets.of_floor(1.6), targets.of_peers(1.0))
    return [Row("/login", "µs CPU", samples, bounds)]


def callback(lab: Lab) -> list[Row]:
    """The second half: the code is exchanged for a token over TLS."""
    rounds = lab.amount(20, 4)

    def prepare(name: str) -> Batch:
        size = lab.amount(60, 20) if name in {"ours", "floor"} else lab.amount(10, 4)
        return _returns(lab.in_memory(name), size, time.process_time)

    samples = interleaved({name: partial(prepare, name) for name in TALKERS}, rounds)
    bounds = (targets.of_floor(1.5), targets.of_peers(0.06))
    return [Row("callback, TLS", "ms CPU", samples, bounds)]


def callback_far_away(lab: Lab) -> list[Row]:
    """The second half, with the provider 50 ms away."""
    size, rounds = lab.amount(3, 2), lab.amount(15, 2)
    with proxy.running(lab.provider.port, round_trip=0.050) as port:
        far = replace(lab, provider=replace(lab.provider, port=port))

        def prepare(name: str) -> Batch:
            return _returns(far.in_memory(name), size, time.perf_counter)

        samples = interleaved({name: partial(prepare, name) for name in TALKERS}, rounds)
    bounds = (targets.of_floor(1.06), targets.of_peers(0.30))
    return [Row("callback, provider 50 ms away, warm", "ms", samples, bounds)]


def connections(lab: Lab) -> list[Row]:
    """How often the provider is called up for 20 logins."""

    def measure(name: str) -> tuple[float, float]:
        place = lab.in_memory(name)
        connected, shaken = lab.provider.connections.value, lab.provider.handshakes.value
        for _ in range(20):
            Browser(place.app).log_in(place.contender)
        return (
            lab.provider.connections.value - connected,
            lab.provider.handshakes.value - shaken,
        )

    opened, handshakes = once(TALKERS, measure)
    bounds = (targets.at_most(1),)
    return [
        Row("connections for 20 logins", "", opened, bounds, exact=True),
        Row("TLS handshakes for 20 logins", "", handshakes, bounds, exact=True),
    ]


def _returns(place: Place, size: int, clock: Callable[[], float]) -> Batch:
    def batch() -> float:
        environs = []
        for _ in range(size):
            browser = Browser(place.app)
            environs.append(browser.environ(browser.begin(place.contender)))
        return timed(place.app, environs, REDIRECT, clock) * 1e3

    return batch
