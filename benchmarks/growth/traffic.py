"""What one request asks of Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..browser import Browser, call
from ..lab import Lab, Place


@dataclass(frozen=True)
class Traffic:
    """What goes to Redis and comes from it for one request."""

    title: str
    #: How often each command is sent.
    commands: dict[str, float]
    #: Bytes on the wire.
    sent: float
    received: float

    @property
    def total(self) -> float:
        """All commands."""
        return sum(self.commands.values())


def traffic(lab: Lab, requests: int = 50) -> Iterator[Traffic]:
    """Measure each kind of request."""
    for title, prepare in VISITS.items():
        place = lab.in_redis("ours")
        _member(place)  # what comes once comes now
        environs = [prepare(place) for _ in range(requests)]
        lab.redis.forget()
        client = lab.redis.client()
        empty, before = _wire(client), _wire(client)
        for environ in environs:
            call(place.app, environ)
        after, calls = _wire(client), lab.redis.calls()
        sent, received = (
            # To look is itself on the wire.
            ((last - middle) - (middle - first)) / requests
            for first, middle, last in zip(empty, before, after, strict=True)
        )
        each = {name.upper(): number / requests for name, number in sorted(calls.items())}
        yield Traffic(title, each, sent, received)


def _wire(client: Any) -> tuple[int, int]:
    """Return the bytes that Redis got and gave since it started."""
    stats = client.info("stats")
    return stats["total_net_input_bytes"], stats["total_net_output_bytes"]


def _member(place: Place) -> Browser:
    browser = Browser(place.app)
    browser.log_in(place.contender)
    return browser


def _buyer(place: Place) -> Browser:
    browser = _member(place)
    browser.get("/keep")
    return browser


def _back(place: Place) -> dict[str, Any]:
    browser = Browser(place.app)
    return browser.environ(browser.begin(place.contender))


PROTECTED, LOGIN, CALLBACK, LOGOUT = "protected view", "`/login`", "`/callback`", "`/logout`"
BUYER = "protected view, the app keeps something in the session"

#: Makes one request of each kind ready, of a browser of its own.
VISITS: dict[str, Callable[[Place], dict[str, Any]]] = {
    PROTECTED: lambda place: _member(place).environ("/protected"),
    BUYER: lambda place: _buyer(place).environ("/protected"),
    LOGIN: lambda place: Browser(place.app).environ("/login"),
    CALLBACK: _back,
    LOGOUT: lambda place: _member(place).environ("/logout", "POST"),
}
