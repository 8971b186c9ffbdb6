"""Guards for views: `requires_scope`, `protect` and `public`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort
from flask.testing import FlaskClient
from flask.views import MethodView
from werkzeug.routing import Rule

from flask_altdentifier import protect, public, requires_scope
from flask_altdentifier.urls import MAX_PATH

from .support import (
    PAGE,
    SCRIPT,
    FakeAltDentifier,
    WatchedStore,
    finish,
    log_in,
    make_app,
    query_of,
    reason,
    words,
)

NAVIGATE = {"Sec-Fetch-Mode": "navigate"}


# Who asks, and what is answered


WEBVIEW = NAVIGATE | {"X-Requested-With": "com.android.browser"}


@pytest.mark.parametrize(
    "headers", [PAGE, NAVIGATE, WEBVIEW, {"Accept": "TEXT/HTML;charset=utf-8"}]
)
def test_page_navigation_is_redirected_to_login_and_back(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    response = client.get("/me?a=1&b=%26&c=caf%C3%A9", headers=headers)
    assert response.status_code == 302
    assert response.location.startswith("/login?next=")
    assert response.headers["Cache-Control"] == "no-store"
    assert log_in(client, response.location).location == "/me?a=1&b=%26&c=caf%C3%A9"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        *(("GET", headers) for headers in ({}, SCRIPT, {"Accept": "application/json"})),
        ("GET", {"Accept": "text/html;q=0, */*"}),
        ("GET", PAGE | {"Sec-Fetch-Mode": "same-origin"}),
        ("GET", PAGE | {"X-Requested-With": "XMLHttpRequest"}),
        *((method, headers) for method in ("HEAD", "POST") for headers in (PAGE, NAVIGATE)),
    ],
)
def test_anything_else_is_401(client: FlaskClient, method: str, headers: dict[str, str]) -> None:
    path = "/act" if method == "POST" else "/me"
    response = client.open(path, method=method, headers=headers)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.headers["Cache-Control"] == "no-store"
    assert {"Cookie", "Accept"} <= set(response.headers["Vary"].split(", "))
    assert method == "HEAD" or "login_required" in response.text
    assert headers or (response.json or {})["login_url"] == "/login"


def test_service_worker_that_refetches_a_page_gets_html(client: FlaskClient) -> None:
    response = client.get("/me", headers=PAGE | {"Sec-Fetch-Mode": "cors"})
    assert (response.status_code, response.mimetype) == (401, "text/html")


@pytest.mark.parametrize(("size", "kept"), [(MAX_PATH, True), (MAX_PATH + 1, False)])
def test_page_that_login_would_not_accept_is_left_out(
    client: FlaskClient, size: int, kept: bool
) -> None:
    path = "/me?" + "a" * (size - len("/me?"))
    location = client.get(path, headers=PAGE).location
    assert location == (f"/login?next={path}" if kept else "/login")


def test_granted_scope_opens_the_view(client: FlaskClient) -> None:
    log_in(client)
    response = client.get("/me")
    assert response.json == ["read:user"]
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("no-store", "Cookie")


def test_caching_of_protected_views(app: Flask, client: FlaskClient) -> None:
    own = {"Cache-Control": "private, max-age=60"}
    app.add_url_rule("/cached", "cached", requires_scope()(lambda: Response("x", headers=own)))
    app.add_url_rule("/missing", "missing", requires_scope()(lambda: abort(404)))
    log_in(client)
    caching = [client.get(path).headers["Cache-Control"] for path in ("/cached", "/missing")]
    assert caching == [own["Cache-Control"], "no-store"]


def test_scope_that_was_never_asked_for_is_asked_for(
    client: FlaskClient, provider: FakeAltDentifier
) -> None:
    log_in(client)
    query = query_of(client.get("/servers?a=1", headers=PAGE).location)
    assert query["scope"] == "read:user write:integrations"
    provider.token = {"scope": query["scope"]}
    assert finish(client, query["state"]).location == "/servers?a=1"
    assert client.get("/servers", headers=PAGE).text == "servers"


def test_declined_scope_is_a_403_that_asks_for_just_this(client: FlaskClient) -> None:
    """One consent page: the button leads to the provider for the union, without a login before."""
    log_in(client)
    finish(client, query_of(client.get("/servers", headers=PAGE).location)["state"])
    response = client.get("/servers", headers=PAGE)
    assert (response.status_code, response.mimetype) == (403, "text/html")
    [link] = [part for part in response.text.split('"') if part.startswith("/login?")]
    link = link.replace("&amp;", "&")
    assert query_of(link) == {"next": "/servers", "scope": "write:integrations"}
    assert query_of(client.get(link).location)["scope"] == "read:user write:integrations"


@pytest.mark.parametrize("headers", [{}, SCRIPT, {"Accept": "application/json"}])
def test_missing_scope_of_anything_but_a_navigation_is_403(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    log_in(client)
    response = client.get("/servers", headers=headers)
    assert (response.status_code, reason(response)) == (403, "insufficient_scope")
    body = response.json or {}
    assert body["missing_scopes"] == ["write:integrations"]
    assert body["login_url"] == "/login?scope=write:integrations"


def test_prefetch_of_a_page_that_needs_more_starts_no_login(
    client: FlaskClient, store: WatchedStore
) -> None:
    log_in(client)
    response = client.get("/servers", headers={**PAGE, "Sec-Purpose": "prefetch"})
    assert response.status_code == 503
    assert store.keys("pending") == []


# Below a mount point


@pytest.mark.parametrize("mount", ["shop", "X(1)"])
def test_redirects_stay_below_the_mount_point(client: FlaskClient, mount: str) -> None:
    response = client.get("/me", headers=PAGE, base_url=f"http://localhost/{mount}/")
    assert response.location == f"/{mount}/login?next=/{mount}/me"


def test_path_of_two_slashes_leads_nowhere_else() -> None:
    app = make_app()
    app.url_map.merge_slashes = False
    app.add_url_rule("/<path:rest>", "rest", requires_scope()(lambda rest: str(rest)))
    client = app.test_client()
    response = client.get(headers=PAGE, environ_overrides={"PATH_INFO": "//evil.example/(1)"})
    assert log_in(client, response.location).location == "/evil.example/(1)"


# The decorator


def test_stacked_decorators_ask_once(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/ab", "ab", requires_scope("a")(requires_scope("b")(lambda: "ab")))
    log_in(client)
    assert query_of(client.get("/ab", headers=PAGE).location)["scope"] == "a b read:user"


class Thing(MethodView):
    """A view, and the owner of one."""

    decorators = [requires_scope("read:user")]

    def get(self) -> str:
        return "done"


async def coroutine() -> str:
    await asyncio.sleep(0)
    return "done"


@pytest.mark.parametrize(
    "view",
    [
        requires_scope()(coroutine),
        Thing.as_view("thing"),
        requires_scope()(Thing().get),
        requires_scope()(partial(str, "done")),
    ],
)
def test_every_kind_of_view_can_be_guarded(app: Flask, client: FlaskClient, view: Any) -> None:
    app.add_url_rule("/x", "x", view)
    assert client.get("/x").status_code == 401
    log_in(client)
    assert client.get("/x").text == "done"


def test_decorated_view_keeps_its_name() -> None:
    @requires_scope()
    def some_view() -> str:
        """Documented."""
        return ""

    assert (some_view.__name__, some_view.__doc__) == ("some_view", "Documented.")


@pytest.mark.parametrize("use", [requires_scope, partial(protect, Flask("x"))])
def test_missing_parentheses_are_a_type_error(use: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="parentheses"):
        use(lambda: "")


@pytest.mark.parametrize("scope", ["read:user write:integrations", "", "é", None])
def test_invalid_scope_is_a_value_error(scope: Any) -> None:
    for use, usage in ((requires_scope, "@requires"), (partial(protect, Flask("x")), "protect")):
        with pytest.raises(ValueError, match=f"^{usage}.*not a scope"):
            use(scope)


@pytest.mark.parametrize("scaffold", [Flask("app"), Blueprint("blueprint", __name__)])
def test_guard_above_the_route_is_a_type_error(scaffold: Flask | Blueprint) -> None:
    secret = scaffold.get("/secret")(lambda: "")
    with pytest.raises(TypeError, match="above a route"):
        requires_scope()(secret)
    with pytest.raises(TypeError, match="above a route"):
        requires_scope()(wraps(secret)(lambda: None))


def test_guard_beside_unfinished_functions_of_a_blueprint() -> None:
    """The search for a misplaced guard reads closures, whose variables need not be set yet."""
    blueprint = Blueprint("blueprint", __name__)

    def later() -> None:
        assert value

    blueprint.record(lambda state: later())
    requires_scope()(lambda: "")
    value = True


# protect and public


@pytest.fixture
def closed(app: Flask) -> FlaskClient:
    """A browser of an app of which everything is protected but what is public."""
    protect(app)
    app.add_url_rule("/closed", "closed", lambda: "closed", methods=["GET", "POST"])
    app.add_url_rule("/open", "open", public(lambda: "open"))
    return app.test_client()


ANSWERS = """GET /closed 401, POST /closed 401, HEAD /closed 401, OPTIONS /closed 200,
DELETE /closed 405, GET /open 200, GET /static/none.css 404, GET /nowhere 404, GET /login 302,
GET /callback 400, POST /logout 303"""


@pytest.mark.parametrize(("method", "path", "status"), [words(line) for line in ANSWERS.split(",")])
def test_protect_guards_all_but_what_is_public(
    closed: FlaskClient, method: str, path: str, status: str
) -> None:
    assert closed.open(path, method=method).status_code == int(status)


def test_protected_app_opens_after_a_login(closed: FlaskClient) -> None:
    assert closed.get("/closed", headers=PAGE).location == "/login?next=/closed"
    log_in(closed)
    response = closed.get("/closed")
    assert (response.text, response.headers["Cache-Control"]) == ("closed", "no-store")


def test_protect_asks_for_its_scopes(app: Flask, client: FlaskClient) -> None:
    protect(app, "write:integrations")
    log_in(client)
    assert client.get("/").status_code == 403


def test_protected_blueprint(app: Flask, client: FlaskClient) -> None:
    admin = Blueprint("admin", __name__, url_prefix="/admin", static_folder="static")
    protect(admin)
    admin.add_url_rule("/", "index", lambda: "admin")
    admin.add_url_rule("/help", "help", public(lambda: "help"))
    inner = Blueprint("inner", __name__)
    inner.add_url_rule("/inner", "index", lambda: "inner")
    admin.register_blueprint(inner)
    app.register_blueprint(admin)
    paths = ["/admin/", "/admin/inner", "/admin/help", "/admin/static/none.css", "/"]
    assert [client.get(path).status_code for path in paths] == [401, 401, 200, 404, 200]
    log_in(client)
    assert client.get("/admin/").text == "admin"


def test_only_files_of_a_static_folder_are_open(app: Flask, client: FlaskClient) -> None:
    bare = Blueprint("bare", __name__)
    bare.add_url_rule("/bare", "static", lambda: "secret")
    app.register_blueprint(bare)
    app.add_url_rule("/dotted", "foo.static", lambda: "secret")
    protect(app)
    assert [client.get(path).status_code for path in ("/bare", "/dotted")] == [401, 401]


def test_view_that_answers_options_itself_is_closed(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/options", "options", lambda: "secret", methods=["OPTIONS"])
    protect(app)
    assert client.options("/options").status_code == 401


def test_rule_that_flask_did_not_make_answers_options_itself(
    app: Flask, client: FlaskClient
) -> None:
    app.url_map.add(Rule("/raw", endpoint="raw"))
    app.view_functions["raw"] = lambda: "secret"
    protect(app)
    assert client.options("/raw").status_code == 401


def test_public_view_stays_guarded_by_its_own_decorator(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/both", "both", requires_scope()(public(lambda: "both")))
    assert client.get("/both").status_code == 401


def test_class_cannot_be_guarded() -> None:
    """Above the route of Flask-RESTX, the guard would have no effect."""
    with pytest.raises(TypeError, match=r"decorators = \[requires_scope\(...\)\]"):
        requires_scope()(Thing)


def test_public_method_view(closed: FlaskClient) -> None:
    class Open(Thing):
        decorators = [public]

    with pytest.raises(TypeError, match=r"decorators = \[public\]"):
        public(Open)
    closed.application.add_url_rule("/thing", view_func=Open.as_view("thing"))
    assert closed.get("/thing").text == "done"
    assert closed.get("/").status_code == 401
    assert make_app().test_client().get("/").text == "hello"  # another app
