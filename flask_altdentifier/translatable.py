"""Marks texts that are written in one place and translated in another."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802
    """Return *text* as it is. `pybabel extract` finds texts by this name, the one gettext uses.

    Example::

        title = N_("Please log in")  # later: translate(title)
    """
    return text
