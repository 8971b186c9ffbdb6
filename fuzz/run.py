"""Runs a target for some time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from .callback_query import Query
from .cookies_header import Cookies
from .next_path import Next
from .token_body import Token
from .webhook_post import Webhook

#: `make(random)` of a target returns an input. `check(input)` returns whether the package accepted
#: it, and raises if it should not have done so.
CLASSES = {"cookies": Cookies, "next": Next, "query": Query, "token": Token, "webhook": Webhook}
TARGETS: dict[str, Callable[[], Any]] = {**CLASSES}


@dataclass(frozen=True)
class Outcome:
    """How many inputs were tried and accepted, and which one broke the package."""

    tried: int
    accepted: int
    culprit: Any = None
    error: BaseException | None = None

    def __str__(self) -> str:
        counts = f"{self.tried} inputs tried, {self.accepted} of them accepted"
        return counts if self.error is None else f"{counts}; {self.culprit!r}: {self.error!r}"


def run(target: Any, *, seconds: float, seed: int) -> Outcome:
    """Try inputs for *seconds*, or until one breaks the package."""
    random, end = Random(seed), time.monotonic() + seconds
    tried = accepted = 0
    while time.monotonic() < end:
        given = target.make(random)
        tried += 1
        try:
            accepted += target.check(given)
        except Exception as error:
            return Outcome(tried, accepted, given, error)
    return Outcome(tried, accepted)
