"""Guards views: `requires_scope`, `protect` and `public`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, after_this_request, current_app, request

from . import login
from .browser import here, is_navigation, send_to
from .current import live
from .errors import InsufficientScope, LoginRequired, log
from .installed import installed
from .scopes import READ_USER, checked

View = TypeVar("View", bound=Callable[..., Any])

_REQUIRED = "_altdentifier_required"
_PUBLIC = "_altdentifier_public"


def requires_scope(*scopes: str) -> Callable[[View], View]:
    """Decorate a view, sync or async: only who has granted each of *scopes* may see it.

    No argument means `"read:user"`. A visitor without a grant is sent to log in, a program gets
    401; a visitor who was not asked for a scope yet is asked for it, one who declined it gets 403.

    Raises `TypeError` where it is used without parentheses, `ValueError` for what is no scope.
    """
    required = _required(scopes, "@requires_scope")

    def decorate(view: View) -> View:
        # Stacked decorators ask once, for all.
        every = required | getattr(view, _REQUIRED, frozenset())
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded(*args: Any, **kwargs: Any) -> Any:
                refusal = check(every)
                return await view(*args, **kwargs) if refusal is None else refusal
        else:

            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                refusal = check(every)
                return view(*args, **kwargs) if refusal is None else refusal

        setattr(guarded, _REQUIRED, every)
        return guarded  # type: ignore[return-value]

    return decorate


def protect(blueprint_or_app: Blueprint | Flask, *scopes: str) -> None:
    """Guard every view of a blueprint or an app as `requires_scope` does.

    Static files, views marked `public`, this extension's own routes, unknown paths and automatic
    OPTIONS answers stay open. Call it before the blueprint is registered.

    Raises `ValueError` for what is no scope.
    """
    required = _required(scopes, "protect(app, ...)")

    @blueprint_or_app.before_request
    def guard() -> Response | None:
        return None if _is_open() else check(required)


def public(view: View) -> View:
    """Exempt a view from `protect`. Put it above other decorators, right under the route.

    Raises `TypeError` for a class: give it `decorators = [public]`.
    """
    if isinstance(view, type):
        raise TypeError(f"Give {view.__name__} the attribute decorators = [public] instead.")
    setattr(view, _PUBLIC, True)
    return view


def check(required: frozenset[str]) -> Response | None:
    """Return None where this browser has granted *required*, else the response that leads there.

    Raises `LoginRequired` and `InsufficientScope` for what is no navigation, the latter for
    declined scopes too; what `current.live` raises.
    """
    after_this_request(_keep_private)
    grant = live()
    if grant is None:
        if is_navigation(request):
            return send_to(installed().login_path(here(request)), 302)
        log("Refused: %s.", LoginRequired)
        raise LoginRequired
    missing = required - grant.scope
    if not missing:
        return None
    if is_navigation(request) and missing.isdisjoint(grant.requested_scope):
        return login.begin(required | grant.requested_scope, next=here(request))
    log("Refused: %s.", InsufficientScope)
    raise InsufficientScope(missing, next=here(request) if is_navigation(request) else None)


def _keep_private(response: Response) -> Response:
    if "Cache-Control" not in response.headers:
        response.headers.add("Cache-Control", "no-store")
    return response


def _required(scopes: tuple[Any, ...], usage: str) -> frozenset[str]:
    if any(callable(scope) for scope in scopes):
        raise TypeError(
            "Write @requires_scope() or @requires_scope('read:user'), with parentheses."
        )
    try:
        return checked(scopes) or frozenset({READ_USER})
    except ValueError as problem:
        raise ValueError(f"{usage}: {problem}; give each scope as an argument of its own") from None


def _is_open() -> bool:
    rule = request.url_rule
    if rule is None:
        return True  # no view: 404 or 405
    if request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
        return True  # a preflight brings no cookies, and the answer tells nothing
    return _is_static(rule.endpoint) or hasattr(current_app.view_functions[rule.endpoint], _PUBLIC)


def _is_static(endpoint: str) -> bool:
    owner, _, name = endpoint.rpartition(".")
    scaffold = current_app.blueprints.get(owner) if owner else current_app
    return name == "static" and scaffold is not None and scaffold.has_static_folder
