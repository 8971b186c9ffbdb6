"""What it costs to log in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from .. import provider
from ..browser import REDIRECT, Browser, repeat, timed
from ..contenders import CONTENDERS, OAUTH
from ..lab import Lab, Place
from ..rows import Row, at_most, of_floor, of_peers
from ..samples import Batch, Samples, interleaved

BATCH = 30


def login(lab: Lab) -> list[Row]:
    """The first half: off to the provider, by a visitor without cookies."""
    rounds = lab.amount(50, 6)
    embedded = interleaved(OAUTH, lambda name: starts(lab.embedded(name)), rounds)
    redis = interleaved(OAUTH, lambda name: starts(lab.on_redis(name)), rounds)
    return [
        Row("/login, embedded (µs)", embedded, (of_floor(0.7), of_peers(1.0))),
        Row("/login, Redis (µs)", redis, (of_floor(1.6),)),
    ]


def callback(lab: Lab) -> list[Row]:
    """The second half: the code is exchanged for a token over TLS."""
    samples = _callbacks(lab, time.process_time, rounds=lab.amount(30, 4), sizes=(20, 2))
    return [Row("callback, TLS, embedded (ms)", samples, (of_floor(1.4), of_peers(0.05)))]


def callback_far_away(lab: Lab) -> list[Row]:
    """The second half, with round trips of 50 ms to the provider."""
    with provider.delayed(lab.provider, round_trip=0.050) as far:
        far_lab = replace(lab, provider=far)
        samples = _callbacks(far_lab, time.perf_counter, rounds=lab.amount(20, 2), sizes=(4, 1))
    return [Row("callback, 50 ms round trips (ms, wall)", samples, (of_floor(1.05),))]


def connections(lab: Lab) -> list[Row]:
    """How many connections the provider sees for 20 logins."""
    opened, handshakes = Samples(), Samples()
    for name in OAUTH:
        place = lab.embedded(name)
        before = lab.provider.connections.value, lab.provider.handshakes.value
        for _ in range(20):
            Browser(place).log_in()
        opened[name] = [lab.provider.connections.value - before[0]]
        handshakes[name] = [lab.provider.handshakes.value - before[1]]
    return [
        Row("connections, 20 logins", opened, (at_most(1),), compare=False),
        Row("TLS handshakes, 20 logins", handshakes, (at_most(1),), compare=False),
    ]


def starts(place: Place) -> Batch:
    """Return a batch of logins that are started by visitors without cookies."""
    environ = Browser(place).environ(CONTENDERS[place.name].login_path)
    return lambda: timed(place.app, repeat(environ, BATCH), REDIRECT) * 1e6


def _callbacks(
    lab: Lab, clock: Callable[[], float], *, rounds: int, sizes: tuple[int, int]
) -> Samples:
    def prepare(name: str) -> Batch:
        place, size = lab.embedded(name), sizes[name not in {"ours", "floor"}]

        def batch() -> float:
            browsers = [Browser(place) for _ in range(size)]
            environs = [browser.environ(browser.start_login()) for browser in browsers]
            return timed(place.app, environs, REDIRECT, clock) * 1e3

        return batch

    return interleaved(OAUTH, prepare, rounds)
