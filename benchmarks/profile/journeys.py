"""The requests whose time is told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..browser import OK, REDIRECT, Browser, call
from ..lab import Lab, Place

Environs = list[dict[str, Any]]


@dataclass(frozen=True)
class Journey:
    """One kind of request to ours."""

    title: str
    lab: Lab
    place: Place
    #: Makes that many requests ready.
    requests: Callable[[int], Environs]
    statuses: Sequence[int]
    #: Requests in a batch.
    size: int

    def send(self, environ: dict[str, Any]) -> None:
        """Send one request. Raises `RuntimeError` for a status that it should not have."""
        status, _ = call(self.place.app, environ)
        if status not in self.statuses:
            raise RuntimeError(f"answered {status}")


def all_of(lab: Lab) -> list[Journey]:
    """Return what is measured: a protected view on both stores, and both halves of a login."""
    size, fewer = lab.amount(300, 60), lab.amount(60, 20)
    redis, memory, begun, done = lab.in_redis("ours"), *(lab.in_memory("ours") for _ in range(3))
    return [
        Journey("protected view, in memory", lab, memory, _visits(memory), OK, size),
        Journey("protected view, Redis", lab, redis, _visits(redis), OK, size),
        Journey("/login, in memory", lab, begun, _departures(begun), REDIRECT, size),
        Journey("callback, TLS, in memory", lab, done, _returns(done), REDIRECT, fewer),
    ]


def _visits(place: Place) -> Callable[[int], Environs]:
    browser = Browser(place.app)
    browser.log_in(place.contender)
    return lambda size: [browser.environ("/protected") for _ in range(size)]


def _departures(place: Place) -> Callable[[int], Environs]:
    path = place.contender.login_path
    return lambda size: [Browser(place.app).environ(path) for _ in range(size)]


def _returns(place: Place) -> Callable[[int], Environs]:
    def requests(size: int) -> Environs:
        browsers = [Browser(place.app) for _ in range(size)]
        return [browser.environ(browser.begin(place.contender)) for browser in browsers]

    return requests
