"""The recipes do what their page says. That they run is in `test_pages.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_altdentifier import testing, webhooks
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.testing import Sandbox

from ..support import PAGE, SCRIPT, cookies_of, reason
from .conftest import run
from .pages import example

Recipe = Callable[..., dict[str, Any]]
Visit = Callable[[Flask], tuple[FlaskClient, Sandbox]]

BOTH = "read:user write:integrations"


@pytest.fixture
def recipe(place: Path) -> Recipe:
    """A function that runs a recipe and returns its names."""
    return lambda name: run(example("recipes", name), place)


@pytest.fixture
def visit() -> Iterator[Visit]:
    """A function that gives an app a sandbox, and returns a browser for it."""
    with ExitStack() as stack:
        yield lambda app: (app.test_client(), stack.enter_context(testing.sandbox_for(app)))


def test_app_factory(recipe: Recipe, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call makes an app of its own, and a bad config stops there."""
    create_app = recipe("factory")["create_app"]
    client, sandbox = visit(create_app({"TESTING": True}))
    sandbox.log_in(client)
    assert client.get("/me").text == "Your page"
    assert create_app().test_client().get("/me").status_code == 401
    monkeypatch.delenv("FLASK_ALTDENTIFIER_CLIENT_ID")
    with pytest.raises(ConfigError, match="ALTDENTIFIER_CLIENT_ID is missing"):
        create_app()


def test_whole_blueprint(recipe: Recipe, visit: Visit) -> None:
    """Its views are closed, those of the app are open."""
    client, sandbox = visit(recipe("blueprint")["app"])
    assert client.get("/").status_code == 200
    assert client.get("/staff/", headers=PAGE).location == "/login?next=/staff/"
    sandbox.log_in(client)
    assert "write%3Aintegrations" in client.get("/staff/", headers=PAGE).location
    sandbox.log_in(client, BOTH)
    assert client.get("/staff/").text == "The desk"
    assert client.get("/staff/servers").text == "The servers"


def test_whole_app_with_public_pages(recipe: Recipe, visit: Visit) -> None:
    """What is not marked is closed."""
    client, sandbox = visit(recipe("whole-app")["app"])
    assert [client.get(path).status_code for path in ("/", "/health")] == [200, 200]
    assert client.get("/members").status_code == 401
    assert client.get("/static/nothing.css").status_code == 404
    sandbox.log_in(client)
    assert client.get("/members").status_code == 200


def test_another_blueprint_is_opened(recipe: Recipe, place: Path) -> None:
    """Views can be marked from outside."""
    names = recipe("whole-app")
    app: Flask = names["app"]
    app.add_url_rule("/docs", "docs.index", lambda: "docs")
    assert app.test_client().get("/docs").status_code == 401
    opening = example("recipes", "whole-app").blocks[-1].code
    exec(opening, names)
    assert app.test_client().get("/docs").status_code == 200
    assert app.test_client().get("/members").status_code == 401


def test_json_api_behind_a_script(recipe: Recipe, visit: Visit) -> None:
    """The page is served, and its script finds in the answers what it looks for."""
    client, sandbox = visit(recipe("json")["app"])
    assert 'fetch("/api/me")' in client.get("/").text
    refused = client.get("/api/me", headers=SCRIPT)
    assert refused.status_code == 401
    assert json.loads(refused.text)["login_url"] == "/login"
    sandbox.log_in(client)
    assert client.get("/api/me", headers=SCRIPT).json == {"scope": ["read:user"]}


@pytest.mark.parametrize(
    ("current", "login"),
    [
        ("http://localhost/list?page=2", "/login?next=/list?page%3D2"),
        ("http://localhost/", "/login?next=/"),
    ],
)
def test_htmx(recipe: Recipe, visit: Visit, current: str, login: str) -> None:
    """A part of a page that needs a login sends the whole page there, and back."""
    client, sandbox = visit(recipe("htmx")["app"])
    asked = {**SCRIPT, "HX-Request": "true", "HX-Current-URL": current}
    refused = client.get("/part", headers=asked)
    assert (refused.status_code, refused.headers["HX-Redirect"]) == (401, login)
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    back = sandbox.finish(client, client.get(refused.headers["HX-Redirect"]))
    assert back.location == current.removeprefix("http://localhost")
    assert client.get("/part", headers=asked).text == "<p>A part of the page"


def test_htmx_page(recipe: Recipe) -> None:
    """The page's button asks for the part."""
    assert 'hx-get="/part"' in recipe("htmx")["app"].test_client().get("/").text


def test_without_htmx(recipe: Recipe) -> None:
    """Other scripts get the usual answer."""
    refused = recipe("htmx")["app"].test_client().get("/part", headers=SCRIPT)
    assert reason(refused) == "login_required"
    assert "HX-Redirect" not in refused.headers


def test_htmx_leads_nowhere_else(recipe: Recipe, visit: Visit) -> None:
    """A forged header does not lead to another site."""
    client, sandbox = visit(recipe("htmx")["app"])
    asked = {**SCRIPT, "HX-Request": "true", "HX-Current-URL": "http://localhost//evil.example"}
    refused = client.get("/part", headers=asked)
    back = sandbox.finish(client, client.get(refused.headers["HX-Redirect"]))
    assert back.location == "/"


def test_async_views(recipe: Recipe, visit: Visit) -> None:
    """They are guarded, know the grant, and call the API in a thread."""
    client, sandbox = visit(recipe("async")["app"])
    assert client.get("/both").status_code == 401
    sandbox.log_in(client)
    assert client.get("/both").json == ["read:user"]
    assert client.get("/trust/100000000000000001").text == "Very Trusted"
    assert client.get("/trust/5").text == "Nobody"


def test_flask_login_beside_it(recipe: Recipe, visit: Visit) -> None:
    """A member logs in with a password, then with AltDentifier, and keeps both."""
    client, sandbox = visit(recipe("flask-login")["app"])
    assert client.get("/account").location == "/?next=%2Faccount"
    assert 'action="/enter"' in client.get("/").text
    password = {"name": "ada", "password": "correct horse"}
    assert client.post("/enter", data={**password, "password": "wrong"}).status_code == 403
    assert client.post("/enter", data=password).location == "/account"
    assert client.get("/account").text == "ada, not verified"
    assert 'href="/trusted"' in client.get("/").text
    assert client.get("/trusted", headers=PAGE).location == "/login?next=/trusted"

    sandbox.log_in(client)
    assert client.get("/account").text == "ada, verified"
    assert client.get("/trusted").status_code == 200

    client.post("/logout")
    assert client.get("/account").text == "ada, verified"
    assert reason(client.get("/trusted")) == "login_required"
    sandbox.log_in(client)
    assert client.post("/leave").location == "/"
    assert 'action="/enter"' in client.get("/").text
    assert client.get("/account").status_code == 302


# Flask-Session 0.8 takes the time of rows by a function that Python 3.12 deprecates.
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_sqlalchemy_sessions(recipe: Recipe, visit: Visit, place: Path) -> None:
    """Session data stay in the table, logins in the store."""
    client, sandbox = visit(recipe("sqlalchemy")["app"])
    sandbox.log_in(client)
    assert [client.get("/me").text for _ in range(2)] == ["Visit 1", "Visit 2"]
    session = cookies_of(client)["session"]
    sandbox.log_in(client)
    assert cookies_of(client)["session"] != session
    assert client.get("/me").text == "Visit 3"
    client.post("/logout")
    assert client.get("/me").status_code == 401
    assert (place / "instance" / "logins").is_dir()


def test_sqlalchemy_sessions_without_a_store(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first login answers 500, the log says what to set, and `check` says so before."""
    found = example("recipes", "sqlalchemy")
    code = re.sub(r"    ALTDENTIFIER_STORE=.*\n", "", found.blocks[0].code)
    assert "ALTDENTIFIER_STORE" not in code
    app = run(replace(found, blocks=(replace(found.blocks[0], code=code),)), place)["app"]
    checked = app.test_cli_runner().invoke(args=["altdentifier", "check", "--offline"])
    assert "store-config" in checked.output
    assert app.test_client().get("/login").status_code == 500
    assert "ALTDENTIFIER_STORE is missing" in caplog.text


def test_several_apps(recipe: Recipe, visit: Visit) -> None:
    """A login at one app is none at the other, in one browser."""
    names = recipe("several-apps")
    client, shop = visit(names["shop"])
    assert client.get("/").text == "The shop: not logged in"
    assert client.get("/forum/").text == "The forum: not logged in"
    with testing.sandbox_for(names["forum"]) as forum:
        shop.log_in(client)
        assert client.get("/me").text == "Your page at shop"
        assert client.get("/forum/me").status_code == 401
        forum_login = client.get("/forum/login?next=/forum/me")
        asked = forum_login.location.removeprefix("https://altdentifier.com")
        query = forum._transport.decide(asked).location.partition("?")[2]
        assert client.get(f"/forum/callback?{query}").location == "/forum/me"
    assert client.get("/forum/me").text == "Your page at forum"
    client.post("/forum/logout")
    assert client.get("/forum/me").status_code == 401
    assert client.get("/me").status_code == 200


def test_several_apps_and_their_sandbox(
    recipe: Recipe, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines to type, the apps and the sandbox of both have the same ids and secrets."""
    commands = next(b for b in example("recipes", "several-apps").blocks if b.language == "sh").code
    exported = dict(re.findall(r"(\w+)=(\S+)", commands))
    for name, value in exported.items():
        monkeypatch.setenv(name, value)
    names = recipe("several-apps")
    served: list[tuple[int, dict[str, str]]] = []
    monkeypatch.setattr(
        "flask_altdentifier.sandbox.run", lambda p, clients: served.append((p, clients))
    )
    exec((place / "both.py").read_text(), {})
    found = [names[name].extensions["altdentifier"].settings for name in ("shop", "forum")]
    [(port, clients)] = served
    assert {s.client_id: s.client_secret for s in found} == clients
    assert {s.base_url for s in found} == {f"http://127.0.0.1:{port}"}


def test_behind_a_proxy(recipe: Recipe, visit: Visit) -> None:
    """What the proxy says makes the cookies, and cannot change the redirect URI."""
    client, _ = visit(recipe("proxy")["app"])
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.com"}
    started = client.get("/login", headers=proxied, base_url="http://127.0.0.1:8000")
    assert "redirect_uri=https%3A%2F%2Fexample.com%2Fcallback" in started.location
    assert all(
        "__Host-altdentifier_" in c or "session=" in c
        for c in started.headers.getlist("Set-Cookie")
    )
    forged = client.get("/login", headers={"X-Forwarded-Host": "evil.example"})
    assert "redirect_uri=https%3A%2F%2Fexample.com%2Fcallback" in forged.location


def test_csrf_tokens(recipe: Recipe, visit: Visit) -> None:
    """The logout needs the form's token, the webhook needs none."""
    client, sandbox = visit(recipe("csrf")["app"])
    sandbox.log_in(client)
    assert client.post("/logout").status_code == 400
    token = client.get("/").text.partition('value="')[2].partition('"')[0]
    assert client.post("/logout", data={"csrf_token": token}).status_code == 303
    body = b'{"OP": 5}'
    signed = {"Digest": webhooks.digest("the-signature", body)}
    assert client.post("/webhook", data=body, headers=signed).status_code == 204
