"""What it costs to log in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from .. import proxy, targets
from ..browser import REDIRECT, Browser, repeat, timed
from ..contenders import OAUTH
from ..lab import Lab, Place, Row
from ..samples import Batch, Samples, interleaved

BATCH = 30


def login(lab: Lab) -> list[Row]:
    """The first half: off to the provider, by a visitor without cookies."""

    def samples(build: Callable[[str], Place]) -> Samples:
        prepare = {name: partial(_starts_in, build, name) for name in OAUTH}
        return interleaved(prepare, lab.amount(50, 6))

    below_peers = targets.of_peers(1.0)
    return [
        Row("/login, embedded (µs)", samples(lab.embedded), (targets.of_floor(0.7), below_peers)),
        Row("/login, Redis (µs)", samples(lab.on_redis), (targets.of_floor(1.6),)),
    ]


def callback(lab: Lab) -> list[Row]:
    """The second half: the code is exchanged for a token over TLS."""

    def prepare(name: str) -> Batch:
        size = 20 if name in {"ours", "floor"} else 2
        return _returns(lab.embedded(name), size, time.process_time)

    samples = interleaved({name: partial(prepare, name) for name in OAUTH}, lab.amount(30, 4))
    bounds = (targets.of_floor(1.4), targets.of_peers(0.05))
    return [Row("callback, TLS, embedded (ms)", samples, bounds)]


def callback_far_away(lab: Lab) -> list[Row]:
    """The second half, with round trips of 50 ms to the provider."""
    with proxy.running(lab.provider.port, round_trip=0.050) as port:
        far = replace(lab, provider=replace(lab.provider, port=port))

        def prepare(name: str) -> Batch:
            size = 4 if name in {"ours", "floor"} else 1
            return _returns(far.embedded(name), size, time.perf_counter)

        samples = interleaved({name: partial(prepare, name) for name in OAUTH}, lab.amount(20, 2))
    return [Row("callback, 50 ms round trips (ms, wall)", samples, (targets.of_floor(1.05),))]


def connections(lab: Lab) -> list[Row]:
    """How many connections the provider sees for 20 logins."""
    opened, handshakes = Samples(), Samples()
    for name in OAUTH:
        place = lab.embedded(name)
        before = lab.provider.connections.value, lab.provider.handshakes.value
        for _ in range(20):
            Browser(place.app).log_in(place.contender)
        opened.values[name] = [lab.provider.connections.value - before[0]]
        handshakes.values[name] = [lab.provider.handshakes.value - before[1]]
    bounds = (targets.at_most(1),)
    return [
        Row("connections, 20 logins", opened, bounds, exact=True),
        Row("TLS handshakes, 20 logins", handshakes, bounds, exact=True),
    ]


def starts(place: Place) -> Batch:
    """Return a batch of logins that are started by visitors without cookies."""

    def batch() -> float:
        environ = Browser(place.app).environ(place.contender.login_path)
        return timed(place.app, repeat(environ, BATCH), REDIRECT) * 1e6

    return batch


def _starts_in(build: Callable[[str], Place], name: str) -> Batch:
    return starts(build(name))


def _returns(place: Place, size: int, clock: Callable[[], float]) -> Batch:
    def batch() -> float:
        environs = []
        for _ in range(size):
            browser = Browser(place.app)
            environs.append(browser.environ(browser.start_login(place.contender)))
        return timed(place.app, environs, REDIRECT, clock) * 1e3

    return batch
