"""The scopes that AltDentifier documents, and the scope syntax of RFC 6749 section 3.3."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .translatable import N_

READ_USER: Final = "read:user"
WRITE_INTEGRATIONS: Final = "write:integrations"


@dataclass(frozen=True)
class Scope:
    """A documented scope, with texts for the error page."""

    #: The scope token of requests.
    name: str
    #: A few words about what the user allows.
    label: str
    #: One sentence about what the application can do.
    description: str


_DOCUMENTED = (
    Scope(
        READ_USER,
        N_("Read your AltDentifier account"),
        N_("The application cannot change anything."),
    ),
    Scope(
        WRITE_INTEGRATIONS,
        N_("Be added to one of your servers"),
        N_("The application is notified of each verification on that server."),
    ),
)
#: Every documented scope by its name, in the order of AltDentifier's page. All other lists derive
#: from this one.
DOCUMENTED_SCOPES: Final = {scope.name: scope for scope in _DOCUMENTED}
DOCUMENTED_SCOPE_NAMES: Final = frozenset(DOCUMENTED_SCOPES)

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")


def parse_scope(text: str) -> frozenset[str]:
    r"""Return the scope tokens of a space-separated string.

    Args:
        text: Scope tokens in any order, separated by any number of spaces. May be empty.

    Returns:
        The tokens as a set, empty if there are none.

    Raises:
        ValueError: A character is not printable ASCII, or is `"` or `\` (RFC 6749 section 3.3).

    Example::

        parse_scope("read:user write:integrations")
    """
    return validate_scopes(token for token in text.split(" ") if token)


def validate_scopes(tokens: Iterable[str]) -> frozenset[str]:
    """Validate scope tokens, and return them as a set.

    Args:
        tokens: Scope tokens, one per item.

    Returns:
        The tokens as a set.

    Raises:
        ValueError: An item is not a scope token of RFC 6749 section 3.3. The message names it.

    Example::

        validate_scopes(["read:user", "write:integrations"])
    """
    scopes = list(tokens)
    for token in scopes:
        if not isinstance(token, str) or not _SCOPE_TOKEN.fullmatch(token):
            raise ValueError(f'{token!r} is not a scope: printable ASCII without space, " and \\')
    return frozenset(scopes)


def format_scope(scopes: Iterable[str]) -> str:
    """Return scopes as one space-separated string, sorted so that equal sets give equal strings.

    Example::

        format_scope({"write:integrations", "read:user"})  # "read:user write:integrations"
    """
    return " ".join(sorted(scopes))
