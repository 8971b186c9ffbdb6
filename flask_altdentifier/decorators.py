"""The guards of views: `requires_scope`, `protect` and `public`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, Response, after_this_request, current_app, request

from .browser.request_login import get_request_login
from .decorator_order import record_guarded, refuse_routed
from .errors import AltDentifierError, InsufficientScope, LoginRequired, log
from .grant import Grant
from .login import start_login
from .navigation import current_path, is_navigation, redirect
from .scopes import READ_USER, validate_scopes
from .state import ExtensionState, get_state

View = TypeVar("View", bound=Callable[..., Any])

#: Attribute of a guarded view: the scopes that it requires.
REQUIRED_SCOPES = "_altdentifier_required_scopes"
_PUBLIC = "_altdentifier_public"


def requires_scope(*scopes: str) -> Callable[[View], View]:
    """Decorate a view so that only visitors who granted each of *scopes* can see it.

    Write it below the route decorator. It works on sync and async views, in
    `MethodView.decorators`, and stacked.

    Without a login, a page navigation is redirected to `/login`, and any other request gets 401. If
    the user was not asked for a scope yet, a page navigation is redirected to AltDentifier. If the
    user declined it, the response is 403.

    Args:
        scopes: One scope per argument. Default: `"read:user"`.

    Returns:
        The decorator.

    Raises:
        TypeError: The parentheses are missing, it stands above the route decorator, or the view is
            a class.
        ValueError: A scope is not valid.

    Example::

        @app.get("/me")
        @requires_scope("read:user")
        def me():
            return sorted(current_grant.scope)
    """
    required = _validate(scopes, "@requires_scope")

    def decorate(view: View) -> View:
        _refuse_class(view, "requires_scope(...)")
        refuse_routed(view, sys._getframe(1))  # noqa: SLF001
        # Stacked decorators check once, for all scopes.
        all_scopes = required | getattr(view, REQUIRED_SCOPES, frozenset())
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded(*args: Any, **kwargs: Any) -> Any:
                response = authorize(all_scopes)
                return await view(*args, **kwargs) if response is None else response
        else:

            @wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                response = authorize(all_scopes)
                return view(*args, **kwargs) if response is None else response

        setattr(guarded, REQUIRED_SCOPES, all_scopes)
        record_guarded(view, guarded)
        return cast("View", guarded)

    return decorate


def protect(blueprint_or_app: Blueprint | Flask, *scopes: str) -> None:
    """Guard every view of a blueprint or app as `requires_scope` does.

    Static files, views marked `public`, this extension's routes, unknown paths and automatic
    `OPTIONS` responses stay open. Call it before you register the blueprint.

    Args:
        blueprint_or_app: The blueprint or app whose views to guard.
        scopes: One scope per argument. Default: `"read:user"`.

    Raises:
        ValueError: A scope is not valid.

    Example::

        admin = Blueprint("admin", __name__)
        protect(admin, "write:integrations")
    """
    required = _validate(scopes, "protect(app, ...)")

    @blueprint_or_app.before_request
    def guard() -> Response | None:
        return None if is_exempt() else authorize(required)


def is_exempt() -> bool:
    """Return whether `protect` does not guard this request."""
    rule = request.url_rule
    if rule is None:
        return True  # 404 or 405: there is no view to guard
    if request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
        return True  # a CORS preflight has no cookies, and its response reveals nothing
    return _is_static(rule.endpoint) or hasattr(current_app.view_functions[rule.endpoint], _PUBLIC)


def _is_static(endpoint: str) -> bool:
    owner, _, name = endpoint.rpartition(".")
    scaffold = current_app.blueprints.get(owner) if owner else current_app
    return name == "static" and scaffold is not None and scaffold.has_static_folder


def public(view: View) -> View:
    """Exempt a view from `protect`. Write it directly below the route decorator.

    Args:
        view: A view function, sync or async.

    Returns:
        The same function.

    Raises:
        TypeError: *view* is a class. Set its attribute `decorators = [public]` instead.

    Example::

        @app.get("/about")
        @public
        def about():
            return "Everybody can read this."
    """
    _refuse_class(view, "public")
    setattr(view, _PUBLIC, True)
    return view


def authorize(required: frozenset[str]) -> Response | None:
    """Return None if this browser's grant covers *required*, else a redirect to get the grant.

    Raises `LoginRequired` or `InsufficientScope` if the request is not a page navigation, and
    `InsufficientScope` if the user declined a scope. Raises `StoreUnavailable`.
    """
    after_this_request(_keep_private)
    state = get_state()
    grant = get_request_login(state, request).get_usable_grant()
    if grant is None:
        return _require_login(state)
    if grant.covers(*required):
        return None
    return _require_scopes(state, grant, required)


def _require_login(state: ExtensionState) -> Response:
    if is_navigation(request):
        return redirect(state.login_url(current_path(request)), 302)
    raise _logged(LoginRequired(login_url=state.login_url(None)))


def _require_scopes(state: ExtensionState, grant: Grant, required: frozenset[str]) -> Response:
    missing, is_page = required - grant.scope, is_navigation(request)
    if is_page and missing.isdisjoint(grant.requested_scope):  # the user was never asked
        scope = required | grant.requested_scope
        return start_login(state, scope, next=current_path(request))
    login_url = state.login_url(
        current_path(request) if is_page else None, missing | grant.requested_scope
    )
    raise _logged(InsufficientScope(missing, login_url=login_url))


def _logged(error: AltDentifierError) -> AltDentifierError:
    """Log the refusal, and return *error*."""
    log("Request refused: %s", error)
    return error


def _keep_private(response: Response) -> Response:
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def _refuse_class(view: object, decorator: str) -> None:
    if isinstance(view, type):
        raise TypeError(f"Set the attribute decorators = [{decorator}] of {view.__name__} instead.")


def _validate(scopes: tuple[Any, ...], usage: str) -> frozenset[str]:
    if any(callable(scope) for scope in scopes):
        raise TypeError(
            "Write @requires_scope() or @requires_scope('read:user'), with parentheses."
        )
    try:
        return validate_scopes(scopes) or frozenset({READ_USER})
    except ValueError as error:
        raise ValueError(f"{usage}: {error}. Pass one scope per argument.") from None
