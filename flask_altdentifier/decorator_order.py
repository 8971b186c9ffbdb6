"""Finds `@requires_scope` above a route decorator, where it guards nothing.

The route then calls the unguarded view, and everybody can see the page. Flask cannot notice that,
so this module raises when the decorator runs. `flask altdentifier check` finds the other cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from flask import Blueprint, Flask

#: Attribute of a view function: its guarded version. A route to the function itself is unguarded.
GUARDED_VERSION = "_altdentifier_guarded_version"


def layers(view: Any) -> Iterator[Any]:
    """Yield *view* and the functions below it, if decorators with `functools.wraps` wrap them."""
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)


def record_guarded(view: Any, guarded: Any) -> None:
    """Record *guarded*, so that `flask altdentifier check` finds a route to the unguarded view."""
    # An app factory that runs twice guards a view twice, and `wraps` copies the first record.
    vars(guarded).pop(GUARDED_VERSION, None)
    for layer in layers(view):
        with suppress(AttributeError):  # a method or a partial has no attributes
            setattr(layer, GUARDED_VERSION, guarded)


def refuse_routed(view: Any, caller: FrameType) -> None:
    """Raise `TypeError` if *view* has a route already, which would bypass the guard.

    Checks only the apps and blueprints among the caller's variables, because a view does not know
    its app.
    """
    names = {**caller.f_globals, **caller.f_locals}
    scaffolds = (value for value in names.values() if isinstance(value, (Flask, Blueprint)))
    routes = {id(route) for scaffold in scaffolds for route in _views_of(scaffold)}
    if any(id(layer) in routes for layer in layers(view)):
        raise TypeError(
            "@requires_scope guards nothing above a route decorator. "
            "Write it below: first @app.route(...), then @requires_scope()."
        )


def _views_of(scaffold: Flask | Blueprint) -> Iterator[Any]:
    yield from scaffold.view_functions.values()
    # A blueprint keeps its views in the closures that register them later.
    for deferred in getattr(scaffold, "deferred_functions", ()):
        for cell in getattr(deferred, "__closure__", None) or ():
            with suppress(ValueError):  # a variable that has no value yet
                yield cell.cell_contents
