"""What `flask altdentifier check` finds about hooks that redirect the callback."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, abort, redirect, request, url_for

from flask_altdentifier import blueprint, current_grant, requires_scope

from ..support import bare_app
from .apps import CREDENTIALS, PUBLIC, codes, good_app, live_app, only


def hook(app: Flask, *open_endpoints: str, location: str | None = None) -> Flask:
    """Add the hook of an app that listed the open endpoints of its old login."""

    @app.before_request
    def guard() -> Any:
        if request.endpoint in open_endpoints or current_grant:
            return None
        return redirect(location or url_for("altdentifier.login", next=request.path))

    return app


@pytest.mark.parametrize("external", [None, "https://shop.example/login"])
def test_hook_that_redirects_the_callback_to_the_login(external: str | None) -> None:
    found = only(hook(live_app(), "altdentifier.login", location=external))
    assert found.code == "callback-redirected"
    assert "/login" in found.title
    assert "protect(app)" in found.fix


def test_guard_as_a_hook() -> None:
    app = good_app()
    app.before_request(requires_scope()(lambda: None))
    assert only(app).code == "callback-redirected"


@pytest.mark.parametrize("location", [None, "/sign-in"])
def test_hook_that_leaves_logins_alone(location: str | None) -> None:
    """A login of the app's own may be needed first."""
    endpoints = () if location else ("altdentifier.login", "altdentifier.callback")
    assert codes(hook(good_app(), *endpoints, location=location)) == []


@pytest.mark.parametrize("answer", [lambda: abort(401), lambda: 1 / 0, lambda: "Closed"])
def test_hook_without_a_redirect(answer: Any) -> None:
    app = good_app()
    app.before_request(answer)
    assert codes(app) == []


def test_hook_of_an_app_with_a_variable_prefix() -> None:
    app = bare_app(**CREDENTIALS)
    app.register_blueprint(blueprint, url_prefix="/<language>")
    assert codes(hook(app)) == []


def test_hook_sees_the_public_url() -> None:
    seen: list[str] = []
    app = live_app()
    app.before_request(lambda: seen.append(request.base_url))
    assert codes(app) == []
    assert seen == [PUBLIC]
