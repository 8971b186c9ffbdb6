"""Protected views."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from flask import Blueprint, Flask, Response, abort
from flask.testing import FlaskClient
from flask.views import MethodView

from flask_altdentifier import blueprint, current_grant, protect, public, requires_scope

from .support import (
    PAGE,
    SCRIPT,
    FakeAltDentifier,
    bare_app,
    begin,
    extension,
    finish,
    log_in,
    make_app,
    query_of,
    reason,
)


@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        {"Sec-Fetch-Mode": "navigate", "Accept": "*/*"},
        {"Accept": "TEXT/HTML;charset=utf-8"},
    ],
)
def test_visitor_is_sent_to_log_in(client: FlaskClient, headers: dict[str, str]) -> None:
    """A person who visits a page is led to the login and back to where he wanted."""
    response = client.get("/me?a=1&b=%26&c=caf%C3%A9", headers=headers)
    assert response.status_code == 302
    assert response.location is not None
    assert response.location.startswith("/login?next=")
    assert log_in(client, response.location).location == "/me?a=1&b=%26&c=caf%C3%A9"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("GET", SCRIPT),
        ("GET", {"Accept": "application/json"}),
        ("GET", {"Sec-Fetch-Mode": "cors", "Accept": "text/html"}),
        ("HEAD", PAGE),
        ("POST", PAGE),
        ("POST", {"Sec-Fetch-Mode": "navigate"}),
    ],
)
def test_program_gets_401(client: FlaskClient, method: str, headers: dict[str, str]) -> None:
    """A fetch, a post and whoever does not ask for a page get 401 with the challenge."""
    path = "/act" if method == "POST" else "/me"
    response = client.open(path, method=method, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Cookie" in response.headers["Vary"]


def test_mounted_app_is_led_back_below_its_mount_point(client: FlaskClient) -> None:
    """The way to the login and back has the prefix under which the app is mounted."""
    response = client.get("/me", headers=PAGE, base_url="http://localhost/shop/")
    assert response.location == "/shop/login?next=/shop/me"


def test_mount_point_of_two_slashes_leads_nowhere_else(client: FlaskClient) -> None:
    """A prefix that a proxy took from the client cannot name another host."""
    options: dict[str, Any] = {"environ_overrides": {"SCRIPT_NAME": "//evil.example"}}
    assert client.post("/logout", **options).location == "/evil.example/"


def test_path_of_two_slashes_leads_nowhere_else() -> None:
    """A path that a browser would take for a host leads back to this one."""
    app = make_app()
    app.url_map.merge_slashes = False
    app.add_url_rule("/<path:rest>", "rest", requires_scope()(lambda rest: str(rest)))
    client = app.test_client()
    response = client.get(headers=PAGE, environ_overrides={"PATH_INFO": "//evil.example/"})
    assert response.status_code == 302
    assert response.location is not None
    assert log_in(client, response.location).location == "/evil.example/"


def test_granted_scope_opens(client: FlaskClient) -> None:
    """Who has granted the scope sees the view; the answer is private."""
    log_in(client)
    response = client.get("/me")
    assert response.json == ["read:user"]
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Vary"] == "Cookie"


def test_view_may_set_its_own_caching(app: Flask, client: FlaskClient) -> None:
    """A `Cache-Control` of the view's own stays."""

    @app.get("/cached")
    @requires_scope()
    def cached() -> Response:
        return Response("x", headers={"Cache-Control": "private, max-age=60"})

    log_in(client)
    response = client.get("/cached")
    assert response.headers.getlist("Cache-Control") == ["private, max-age=60"]
    assert response.headers["Vary"] == "Cookie"


def test_errors_of_a_protected_view_are_private_too(app: Flask, client: FlaskClient) -> None:
    """A 404 of a protected view may differ from person to person as well."""

    @app.get("/missing")
    @requires_scope()
    def missing() -> str:
        abort(404)

    log_in(client)
    response = client.get("/missing")
    assert (response.status_code, response.headers["Cache-Control"]) == (404, "no-store")


def test_scope_that_was_never_asked_for_is_asked_for(
    client: FlaskClient, provider: FakeAltDentifier
) -> None:
    """A visit that needs more goes straight to AltDentifier for the union, and comes back."""
    log_in(client)
    response = client.get("/servers?a=1", headers=PAGE)
    query = query_of(response.location)
    assert query["scope"] == "read:user write:integrations"
    provider.token = {"scope": "read:user write:integrations"}
    assert finish(client, query["state"]).location == "/servers?a=1"
    assert client.get("/servers", headers=PAGE).text == "servers"
    assert client.get("/me").status_code == 200


def test_declined_scope_is_not_asked_for_again(
    client: FlaskClient, provider: FakeAltDentifier
) -> None:
    """Who was asked and said no gets 403 with what is missing, and no loop."""
    log_in(client)
    state = query_of(client.get("/servers", headers=PAGE).location)["state"]
    finish(client, state)
    response = client.get("/servers", headers=PAGE)
    assert response.status_code == 403
    assert "write:integrations" in response.text
    assert 'href="/login?next=/servers"' in response.text


@pytest.mark.parametrize("headers", [{}, SCRIPT, {"Accept": "application/json"}])
def test_program_that_lacks_a_scope_gets_403(client: FlaskClient, headers: dict[str, str]) -> None:
    """What is no visit to a page cannot ask for more."""
    log_in(client)
    response = client.get("/servers", headers=headers)
    assert (response.status_code, reason(response)) == (403, "insufficient_scope")
    assert response.json["missing_scopes"] == ["write:integrations"]  # type: ignore[index]


def test_prefetch_asks_for_nothing(client: FlaskClient) -> None:
    """A browser that fetches ahead starts no login, also where a scope is missing."""
    log_in(client)
    response = client.get("/servers", headers={**PAGE, "Sec-Purpose": "prefetch"})
    assert response.status_code == 503


def test_expired_grant_is_none(
    client: FlaskClient, provider: FakeAltDentifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the access token ends, so does the login."""
    import time

    provider.token = {"expires_in": 60}
    log_in(client)
    now = time.time()
    assert client.get("/me").status_code == 200
    monkeypatch.setattr("flask_altdentifier.grant.time.time", lambda: now + 61)
    assert client.get("/me").status_code == 401


def test_stacked_decorators_ask_once(app: Flask, client: FlaskClient) -> None:
    """Two decorators ask for both scopes at one go."""
    view = requires_scope("a")(requires_scope("b")(lambda: "ab"))
    app.add_url_rule("/ab", "ab", view)
    log_in(client)
    query = query_of(client.get("/ab", headers=PAGE).location)
    assert query["scope"] == "a b read:user"


def test_async_view() -> None:
    """Async views are guarded as sync ones are."""
    app = make_app()

    @app.get("/async")
    @requires_scope()
    async def view() -> list[str]:
        await asyncio.sleep(0)
        return sorted(current_grant.scope)

    client = app.test_client()
    assert client.get("/async").status_code == 401
    assert client.get("/async", headers=PAGE).status_code == 302
    log_in(client)
    assert client.get("/async").json == ["read:user"]


def test_method_view(app: Flask, client: FlaskClient) -> None:
    """`MethodView.decorators` takes the decorator."""

    class Thing(MethodView):
        decorators = [requires_scope("read:user")]

        def get(self) -> str:
            return "thing"

    app.add_url_rule("/thing", view_func=Thing.as_view("thing"))
    assert client.get("/thing").status_code == 401
    log_in(client)
    assert client.get("/thing").text == "thing"


def test_decorated_view_keeps_its_name() -> None:
    """Flask derives endpoints from names."""

    @requires_scope()
    def some_view() -> str:
        """Says so."""
        return ""

    assert (some_view.__name__, some_view.__doc__) == ("some_view", "Says so.")


def test_bare_decorator_says_how_to_write_it() -> None:
    """Without parentheses the view itself would be a scope."""
    with pytest.raises(TypeError, match=r"@requires_scope\(\)"):

        @requires_scope  # type: ignore[arg-type]
        def view() -> str:
            return ""


@pytest.mark.parametrize("scope", ["read:user write:integrations", "", "é"])
def test_wrong_scope_is_an_error_at_import(scope: str) -> None:
    """Each scope is an argument of its own."""
    with pytest.raises(ValueError, match=r"@requires_scope: .*is not a scope"):
        requires_scope(scope)


# protect and public


def protected_app() -> Flask:
    """Return an app of which all is protected but what is public."""
    app = bare_app()
    app.register_blueprint(blueprint)
    extension(app).transport = FakeAltDentifier()
    protect(app)
    app.add_url_rule("/closed", "closed", lambda: "closed", methods=["GET", "POST"])
    app.add_url_rule("/open", "open", public(lambda: "open"))
    return app


def test_protected_app() -> None:
    """Every view is closed but public ones, ours, and static files."""
    app = protected_app()
    client = app.test_client()
    assert client.get("/closed").status_code == 401
    assert client.get("/closed", headers=PAGE).location == "/login?next=/closed"
    assert client.post("/closed").status_code == 401
    assert client.get("/open").text == "open"
    assert client.get("/static/none.css").status_code == 404
    assert client.get("/nowhere").status_code == 404
    assert client.delete("/closed").status_code == 405
    assert client.options("/closed").status_code == 200
    assert client.get("/callback").status_code == 400
    assert client.post("/logout").status_code == 303
    log_in(client)
    response = client.get("/closed")
    assert response.text == "closed"
    assert response.headers["Cache-Control"] == "no-store"


def test_protect_asks_for_its_scopes() -> None:
    """`protect` takes scopes as the decorator does."""
    app = make_app()
    protect(app, "write:integrations")
    client = app.test_client()
    log_in(client)
    assert client.get("/").status_code == 403
    with pytest.raises(ValueError, match="protect"):
        protect(app, "a b")
    with pytest.raises(TypeError, match="parentheses"):
        protect(app, print)  # type: ignore[arg-type]


def test_protected_blueprint(app: Flask, client: FlaskClient) -> None:
    """Only the blueprint's own views are closed, its static files are open."""
    admin = Blueprint("admin", __name__, url_prefix="/admin", static_folder="static")
    protect(admin)
    admin.add_url_rule("/", "index", lambda: "admin")
    admin.add_url_rule("/help", "help", public(lambda: "help"))
    app.register_blueprint(admin)
    assert client.get("/admin/").status_code == 401
    assert client.get("/admin/help").text == "help"
    assert client.get("/admin/static/none.css").status_code == 404
    assert client.get("/").text == "hello"
    log_in(client)
    assert client.get("/admin/").text == "admin"


def test_view_named_static_is_not_open(app: Flask, client: FlaskClient) -> None:
    """Only the static files of a static folder are open, not a view of that name."""
    bare = Blueprint("bare", __name__)
    protect(bare)
    bare.add_url_rule("/static-view", "static", lambda: "secret")
    app.register_blueprint(bare)
    assert client.get("/static-view").status_code == 401


def test_dotted_endpoint_of_an_app_is_closed(app: Flask, client: FlaskClient) -> None:
    """An endpoint's name is the app's own business."""
    app.add_url_rule("/dotted", "foo.static", lambda: "secret")
    protect(app)
    assert client.get("/dotted").status_code == 401


def test_own_options_view_is_closed(app: Flask, client: FlaskClient) -> None:
    """Only automatic OPTIONS answers are open."""
    app.add_url_rule("/options", "options", lambda: "secret", methods=["OPTIONS"])
    protect(app)
    assert client.options("/options").status_code == 401


def test_public_view_under_a_decorator_stays_guarded(app: Flask, client: FlaskClient) -> None:
    """`public` exempts from `protect`, not from the view's own decorator."""
    app.add_url_rule("/both", "both", requires_scope()(public(lambda: "both")))
    assert client.get("/both").status_code == 401


def test_public_is_not_for_classes() -> None:
    """A class is told where the mark belongs."""

    class Thing(MethodView):
        pass

    with pytest.raises(TypeError, match=r"decorators = \[public\]"):
        public(Thing)


def test_protect_leaves_other_apps_alone() -> None:
    """One process may hold many apps."""
    protected, other = protected_app(), make_app()
    assert protected.test_client().get("/closed").status_code == 401
    assert other.test_client().get("/").text == "hello"


def test_unprotected_view_costs_nothing(app: Flask, client: FlaskClient) -> None:
    """A view without guard neither reads the store nor gets headers."""
    log_in(client)
    extension(app)._store = cast("Any", object())
    response = client.get("/")
    assert response.text == "hello"
    assert "Cache-Control" not in response.headers


def test_state_survives_many_tabs(client: FlaskClient) -> None:
    """Five tabs finish in any order; a sixth pushes out the oldest."""
    states = [begin(client, f"/login?next=/{number}") for number in range(6)]
    assert reason(finish(client, states[0])) == "invalid_state"
    for number in (3, 1, 5, 2, 4):
        assert finish(client, states[number]).location == f"/{number}"


def test_five_tabs_opened_at_once(app: Flask, client: FlaskClient) -> None:
    """Five logins begun at once, none with a cookie, can all be finished."""
    states = []
    jar: list[Any] = []
    for number in range(5):
        tab = app.test_client()
        states.append(begin(tab, f"/login?next=/{number}"))
        jar += tab._cookies.values()  # type: ignore[union-attr]
    for cookie in jar:
        client.set_cookie(cookie.key, cookie.value)
    for number in (4, 0, 2, 1, 3):
        assert finish(client, states[number]).location == f"/{number}"
