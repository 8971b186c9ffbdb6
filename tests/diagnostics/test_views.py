"""What `flask altdentifier check` finds about guards and webhooks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_altdentifier import public, requires_scope, webhooks

from .apps import codes, good_app, only


def page() -> str:
    return "page"


def guard_elsewhere(view: Any) -> None:
    """Guard a view out of sight of its app."""
    requires_scope()(view)


def new_view() -> Any:
    def view() -> str:
        return "view"

    return view


def test_guard_above_a_route() -> None:
    """A blueprint from another module is out of the sight of the guard itself."""
    app, view = good_app(), new_view()
    app.add_url_rule("/open", "open", view)
    guard_elsewhere(view)
    found = only(app)
    assert found.code == "guard-above-route"
    assert "'open'" in found.title
    assert "test_views.py" in found.fix


def test_app_factory_that_runs_twice() -> None:
    view = new_view()
    for _ in range(2):
        app = good_app()
        app.add_url_rule("/guarded", "guarded", requires_scope()(view))
        assert codes(app) == []


def test_guard_that_another_route_uses() -> None:
    """A view that is open at one place on purpose."""
    app, view = good_app(), new_view()
    app.add_url_rule("/guarded", "guarded", functools.wraps(view)(requires_scope()(view)))
    app.add_url_rule("/open", "open", public(view))
    assert codes(app) == []


def test_guard_above_the_route_of_a_callable_object() -> None:
    class View:
        __name__ = "view"

        def __call__(self) -> str:
            return "view"

    app, view = good_app(), View()
    app.add_url_rule("/open", "open", view)
    guard_elsewhere(view)
    assert "your view" in only(app).fix
    app = good_app()
    app.add_url_rule("/partial", "partial", functools.partial(page))
    app.view_functions["builtin"] = len  # type: ignore[assignment]
    assert codes(app) == []


def test_guard_of_a_misspelled_scope() -> None:
    app = good_app()
    app.add_url_rule("/x", "x", requires_scope("read:user,write:integrations")(new_view()))
    app.add_url_rule("/y", "y", requires_scope("zzz")(new_view()))
    assert codes(app) == ["scope-unknown", "scope-unknown"]


def fake_flask_caching() -> Callable[[Any], Any]:
    """Return a decorator that is defined in a module of this name."""
    code = "from functools import wraps\ncached = lambda view: wraps(view)(lambda: None)"
    module: dict[str, Any] = {"__name__": "flask_caching"}
    exec(code, module)
    decorator: Callable[[Any], Any] = module["cached"]
    return decorator


@pytest.mark.parametrize(
    ("decorate", "found"),
    [
        (lambda view, cached, guard: cached(guard(view)), ["cache-above-guard"]),
        (lambda view, cached, guard: guard(cached(view)), []),
        (lambda view, cached, guard: guard(cached(guard(view))), []),
        (lambda view, cached, guard: cached(view), []),
    ],
)
def test_order_of_cache_and_guard(decorate: Callable[..., Any], found: list[str]) -> None:
    app = good_app()
    app.add_url_rule("/x", "x", decorate(new_view(), fake_flask_caching(), requires_scope()))
    assert codes(app) == found


def webhook_app() -> Flask:
    app = good_app(ALTDENTIFIER_WEBHOOK_SECRET="9fX2b7")
    parent = Blueprint("parent", __name__)
    parent.register_blueprint(webhooks.blueprint)
    app.register_blueprint(parent)
    return app


def test_webhook_secret_without_its_blueprint_is_found() -> None:
    assert codes(webhook_app()) == []
    assert codes(good_app(ALTDENTIFIER_WEBHOOK_SECRET="9fX2b7")) == ["webhook-unused"]
