"""What the pages tell beside the table, by the name that `--only` takes."""

from __future__ import annotations

from collections.abc import Callable

from .growth import pages
from .lab import Lab
from .profile import tables

#: Measures, and returns fields of the pages' templates.
Section = Callable[[Lab], dict[str, str]]

SECTIONS: dict[str, Section] = {
    "profile": tables.fields,
    "growth": pages.fields,
}
