"""What the pages say about each scope that AltDentifier documents."""

from __future__ import annotations

from dataclasses import dataclass

from ..scopes import READ_USER, WRITE_INTEGRATIONS


@dataclass(frozen=True)
class ScopeText:
    """A scope in plain words: what it allows, and a sentence about it."""

    title: str
    detail: str


SCOPE_TEXTS = {
    READ_USER: ScopeText("Read your AltDentifier account", "Needed to log in."),
    WRITE_INTEGRATIONS: ScopeText(
        "Be added to one of your servers", "It is notified of each verification on that server."
    ),
}


def split_scope(scope: str) -> list[str]:
    """Return the scopes in a space-separated string, each once, in order."""
    return list(dict.fromkeys(scope.split(" ")))
