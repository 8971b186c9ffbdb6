"""The scopes that AltDentifier documents."""

from __future__ import annotations

READ_USER = "read:user"
WRITE_INTEGRATIONS = "write:integrations"

#: What each scope lets an application do, in the words of the authorize page.
MEANINGS = {
    READ_USER: "Read your AltDentifier account.",
    WRITE_INTEGRATIONS: "Be added to a server of yours and be told of verifications there.",
}


def scopes_in(scope: str) -> list[str]:
    """Return the scopes in *scope* once each, in their order (RFC 6749 section 3.3)."""
    return list(dict.fromkeys(scope.split(" ")))
