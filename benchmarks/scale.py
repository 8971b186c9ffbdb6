"""The figures of docs/scale.md: what one user costs the servers, and what many need."""

from __future__ import annotations

from .lab import Lab


def fields(lab: Lab) -> dict[str, str]:
    return {}
