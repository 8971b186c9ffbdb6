"""Marks texts for translation that are translated later, in another module."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802
    """Return *text* unchanged. `pybabel extract` finds texts by this name, as gettext users expect.

    Example::

        title = N_("Please log in")  # later: translate(title)
    """
    return text
