"""Problems of the app's views: guards without effect, and webhooks that cannot arrive."""

from __future__ import annotations

from typing import Any

from ..decorator_order import GUARDED_VERSION, layers
from ..webhooks.endpoint import WebhookBlueprint
from .findings import Findings, finding
from .subject import Subject

_GUARD_MODULE = "flask_altdentifier.decorators"
_CACHE_MODULE = "flask_caching"


def check_views(subject: Subject) -> Findings:
    """Find guards without effect, and webhooks that cannot arrive."""
    views = subject.app.view_functions
    reachable = {id(layer) for view in views.values() for layer in layers(view)}
    for endpoint, view in views.items():
        guarded = getattr(view, GUARDED_VERSION, None)
        if guarded is not None and id(guarded) not in reachable:
            yield finding("guard-above-route", endpoint=endpoint, place=_place(view))
        modules = [_module(layer) for layer in layers(view)]  # the outermost decorator first
        order = [module for module in modules if module in {_CACHE_MODULE, _GUARD_MODULE}]
        if order[:1] == [_CACHE_MODULE] and _GUARD_MODULE in order:
            yield finding("cache-above-guard", endpoint=endpoint)
    blueprints = subject.app.blueprints.values()
    has_webhook = any(isinstance(blueprint, WebhookBlueprint) for blueprint in blueprints)
    if subject.config.webhook_secret is not None and not has_webhook:
        yield finding("webhook-unused")


def _module(function: Any) -> str:
    """Return the module of the function's code. `functools.wraps` overwrites `__module__`."""
    name = getattr(function, "__globals__", {}).get("__name__", "")
    return _CACHE_MODULE if name.startswith(_CACHE_MODULE) else name


def _place(view: Any) -> str:
    code = getattr(view, "__code__", None)
    return "your view" if code is None else f"{code.co_filename}:{code.co_firstlineno}"
