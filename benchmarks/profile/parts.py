"""What a part of a request is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .journeys import Journey

OURS = "ours"


@dataclass(frozen=True)
class Limit:
    """The least that one call of a part can cost: what it stands on, called alone."""

    what: str
    #: Returns what to call.
    make: Callable[[Journey], Callable[[], Any]]


@dataclass(frozen=True)
class Part:
    """Functions that do one thing, with all they call that is not of another part."""

    title: str
    owner: str
    #: Where they stand: `package.module.Class.function`.
    places: tuple[str, ...]
    limit: Limit | None = None
    #: Whether they wait for another process, which is no CPU time.
    waits: bool = False


def ours(title: str, *places: str, limit: Limit | None = None) -> Part:
    """Return a part of this package."""
    return Part(title, OURS, tuple(f"flask_altdentifier.{place}" for place in places), limit)
