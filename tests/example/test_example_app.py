from __future__ import annotations

import stat
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from example_app import create_app
from example_app.pages import day_and_time, time_left
from flask_altdentifier import signals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from flask_altdentifier import Grant

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Outline(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag; a script without `src` is an inline one."""
        inline = tag == "script" and "src" not in dict(attrs)
        self.tags.append("inline script" if inline else tag)
        self.attributes += attrs


# Pages


def test_home_logged_out(visitor: FlaskClient) -> None:
    """Anyone sees the home page, with a way to log in."""
    page = visitor.get("/").text
    assert (
        '<a class="button primary" id="log-in" href="/login">Log in with AltDentifier</a>' in page
    )
    assert "Log out" not in page


def test_home_logged_in(log_in: Callable[..., TestResponse], visitor: FlaskClient) -> None:
    """Who is logged in comes back to the home page and sees it, with a button to log out."""
    assert log_in().headers["Location"] == "/"
    page = visitor.get("/").text
    assert "You are logged in" in page
    assert 'method="post" action="/logout"><button id="log-out">Log out</button>' in page
    assert "Log in" not in page


def test_profile_logged_out(visitor: FlaskClient, allow: Callable[..., TestResponse]) -> None:
    """Who wants to see the profile is led through the login, and back to it."""
    answer = visitor.get("/profile")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/profile")
    back = allow(visitor.get("/login?next=/profile"), "read:user")
    assert (back.status_code, back.headers["Location"]) == (303, "/profile")
    assert visitor.get("/profile").status_code == 200


def test_profile(site: Flask, log_in: Callable[..., TestResponse], visitor: FlaskClient) -> None:
    """The profile tells what was granted and until when, for people and for programs."""
    grants: list[Grant] = []

    def remember(_: Flask, grant: Grant) -> None:
        grants.append(grant)

    with signals.logged_in.connected_to(remember, site):
        log_in()
    page = visitor.get("/profile").text
    end = grants[0].expires_at
    assert f'<time datetime="{end:%Y-%m-%dT%H:%M:%S}+00:00">{day_and_time(end)}</time>' in page
    assert "<strong>7 days</strong> left" in page
    assert page.count(">Allowed<") == 1
    assert page.count(">Not allowed<") == 1


@pytest.mark.parametrize(
    "path",
    ["/", "/profile", "/servers", "/events", "/trust", "/api/grant", "/api/servers", "/api/events"],
)
def test_tokens_stay_on_the_server(
    path: str, site: Flask, allow: Callable[..., TestResponse], visitor: FlaskClient
) -> None:
    """No page and no JSON shows a token."""
    grants: list[Grant] = []

    def remember(_: Flask, grant: Grant) -> None:
        grants.append(grant)

    both = ("read:user", "write:integrations")
    allow(visitor.get("/login"), *both)
    with signals.logged_in.connected_to(remember, site):
        allow(visitor.get("/servers"), *both)
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert grants[0].access_token not in answer.text
    assert str(grants[0].refresh_token) not in answer.text


def test_step_up(
    allow: Callable[..., TestResponse],
    log_in: Callable[..., TestResponse],
    visitor: FlaskClient,
) -> None:
    """The servers page asks for its scope when it is first opened, not at the login."""
    log_in()
    redirect = visitor.get("/servers")
    query = parse_qs(urlsplit(redirect.headers["Location"]).query)
    assert query["scope"] == ["read:user write:integrations"]
    back = allow(redirect, "read:user", "write:integrations")
    assert back.headers["Location"] == "/servers"
    assert visitor.get("/servers").status_code == 200


def test_step_up_declined(
    allow: Callable[..., TestResponse],
    log_in: Callable[..., TestResponse],
    visitor: FlaskClient,
) -> None:
    """Who declines the scope is told so on a page of this site, and stays logged in."""
    log_in()
    allow(visitor.get("/servers"), "read:user")
    answer = visitor.get("/servers")
    assert answer.status_code == 403
    assert "write:integrations" in answer.text
    assert "Gatehouse is the example app" in answer.text
    assert visitor.get("/profile").status_code == 200


def test_add_to_a_server(visitor: FlaskClient, altdentifier: tuple[str, Flask]) -> None:
    """Anyone may add the app to a server: the home page has the simplified link."""
    link = f"{altdentifier[0]}/oauth2/authorize?client_id=gatehouse&amp;scope=write:integrations"
    assert f'href="{link}" target="_blank" rel="noopener">Add to my server' in visitor.get("/").text


@pytest.mark.parametrize("guild_id", ["42", " 42 ", "1" * 20])
def test_add_to_one_server(
    guild_id: str,
    allow: Callable[..., TestResponse],
    log_in: Callable[..., TestResponse],
    visitor: FlaskClient,
) -> None:
    """Who knows the id of a server gets a link for it alone."""
    log_in()
    allow(visitor.get("/servers"), "read:user", "write:integrations")
    page = visitor.get("/servers", query_string={"guild_id": guild_id})
    assert page.status_code == 200
    assert f'scope=write:integrations&amp;guild_id={guild_id.strip()}"' in page.text


@pytest.mark.parametrize("guild_id", ["1" * 21, "-1", "1&scope=read:user", '"><b>', "\u0661"])
def test_no_server_id(
    guild_id: str,
    allow: Callable[..., TestResponse],
    log_in: Callable[..., TestResponse],
    visitor: FlaskClient,
) -> None:
    """What is no id is told beside the form, and makes no link."""
    log_in()
    allow(visitor.get("/servers"), "read:user", "write:integrations")
    page = visitor.get("/servers", query_string={"guild_id": guild_id})
    assert page.status_code == 400
    assert "That is no Discord id." in page.text
    assert "guild_id=" not in page.text
    assert "<b>" not in page.text


def test_log_out(log_in: Callable[..., TestResponse], visitor: FlaskClient) -> None:
    """Logging out is a POST that leads home; after it the profile is closed."""
    log_in()
    assert visitor.get("/logout").status_code == 405
    answer = visitor.post("/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert visitor.get("/profile").status_code == 302


def test_not_found(visitor: FlaskClient) -> None:
    """An address that does not exist gets a page with a way back."""
    answer = visitor.get("/nowhere")
    assert answer.status_code == 404
    assert "Back to the start page" in answer.text


def test_banner(visitor: FlaskClient, config: dict[str, object]) -> None:
    """The pages speak of the sandbox, and link to it, only where there is one."""
    assert "sandbox" not in visitor.get("/").text.lower()
    with_sandbox = create_app({**config, "SANDBOX_URL": "http://127.0.0.1:8400"}).test_client()
    page = with_sandbox.get("/").text
    assert 'id="sandbox-banner"' in page
    assert '<a href="http://127.0.0.1:8400/">Sandbox control page</a>' in page


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/profile", "/servers", "/servers?guild_id=1", "/events", "/trust"),
        *("/trust?user_id=100000000000000001", "/nowhere", "/callback?error=access_denied"),
    ],
)
def test_pages_are_well_made(
    path: str, allow: Callable[..., TestResponse], visitor: FlaskClient
) -> None:
    """Each page has a language, one first heading, the landmarks, and nothing inline."""
    allow(visitor.get("/login"), "read:user")
    if path.startswith("/servers"):
        allow(visitor.get(path), "read:user", "write:integrations")
    if path.startswith("/callback"):
        visitor.post("/logout")
    page = Outline(visitor.get(path).text)
    assert [page.tags.count(tag) for tag in ("h1", "header", "nav", "main", "footer")] == [1] * 5
    assert ("lang", "en") in page.attributes
    assert {"style", "inline script"}.isdisjoint(page.tags)
    assert not [name for name, _ in page.attributes if name == "style" or name.startswith("on")]


# JSON


def test_grant_in_json(log_in: Callable[..., TestResponse], visitor: FlaskClient) -> None:
    """A program that may read the grant gets what the profile shows."""
    log_in()
    answer = visitor.get("/api/grant", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["scope"] == ["read:user"]
    end = datetime.fromisoformat(answer.json["expires_at"])
    assert abs(end - datetime.now(timezone.utc) - timedelta(days=7)) < timedelta(minutes=1)


@pytest.mark.parametrize("path", ["/api/grant", "/api/servers", "/api/events"])
def test_json_logged_out(path: str, visitor: FlaskClient) -> None:
    """A program without a login gets 401 as problem+json, and is not sent elsewhere."""
    answer = visitor.get(path, headers={"Sec-Fetch-Mode": "cors"})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert _json(answer)["reason"] == "login_required"


def test_json_without_the_scope(log_in: Callable[..., TestResponse], visitor: FlaskClient) -> None:
    """A program whose grant lacks the scope gets 403 as problem+json that names it."""
    log_in()
    answer = visitor.get("/api/servers", headers={"Sec-Fetch-Mode": "cors"})
    assert answer.status_code == 403
    assert answer.mimetype == "application/problem+json"
    assert _json(answer)["missing_scopes"] == ["write:integrations"]


def test_json_with_the_scope(
    allow: Callable[..., TestResponse], log_in: Callable[..., TestResponse], visitor: FlaskClient
) -> None:
    """A program whose grant has the scope gets its answer."""
    log_in()
    allow(visitor.get("/servers"), "read:user", "write:integrations")
    assert _json(visitor.get("/api/servers")) == {"may_be_added_to_servers": True}


# Headers and cookies


@pytest.mark.parametrize(
    "path",
    ["/", "/profile", "/nowhere", "/login", "/callback", "/api/grant", "/static/try_api.js"],
)
def test_headers(path: str, visitor: FlaskClient) -> None:
    """Every answer has the policy and forbids guessing its type."""
    with visitor.get(path) as answer:
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_caches(visitor: FlaskClient) -> None:
    """Pages are kept by no cache; static files may be."""
    assert visitor.get("/").headers["Cache-Control"] == "no-store"
    with visitor.get("/static/style.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_referrer_of_the_callback(visitor: FlaskClient) -> None:
    """What the extension says about its own pages stays."""
    assert visitor.get("/").headers["Referrer-Policy"] == "same-origin"
    assert visitor.get("/callback").headers["Referrer-Policy"] == "no-referrer"


def test_cookies(visitor: FlaskClient) -> None:
    """Scripts see no cookie, other sites send none, and the session's lasts a day."""
    cookies = visitor.get("/login").headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
    session = visitor.get_cookie("gatehouse_session")
    assert session is not None
    assert session.expires is not None
    left = session.expires - datetime.now(timezone.utc)
    assert timedelta(hours=23) < left <= timedelta(days=1)


def test_visits_without_a_login_leave_no_session(visitor: FlaskClient, tmp_path: Path) -> None:
    """Looking around sets no cookie and writes no session."""
    assert "Set-Cookie" not in visitor.get("/").headers
    assert len(list((tmp_path / "sessions").iterdir())) == 1  # the cache's own count


# Where things are kept


def test_files_are_private(log_in: Callable[..., TestResponse], tmp_path: Path) -> None:
    """Sessions and logins are in directories of their own that only the owner may read."""
    log_in()
    for directory in (tmp_path / "sessions", tmp_path / "logins"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        modes = {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}
        assert modes == {0o600}


def test_directory_that_was_open(config: dict[str, object], tmp_path: Path) -> None:
    """A directory that others could read before is closed to them."""
    (tmp_path / "logins").mkdir(mode=0o755)
    create_app(config)
    assert stat.S_IMODE((tmp_path / "logins").stat().st_mode) == 0o700


def test_redis(config: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With `REDIS_URL`, one Redis that answers soon or not at all keeps both, and no file does."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/3")
    site = create_app(config)
    assert site.config["SESSION_TYPE"] == "redis"
    assert "ALTDENTIFIER_STORE" not in site.config
    redis = site.config["SESSION_REDIS"].connection_pool.connection_kwargs
    assert (redis["port"], redis["db"]) == (1, 3)
    assert (redis["socket_timeout"], redis["socket_connect_timeout"]) == (0.5, 0.5)
    assert list(tmp_path.iterdir()) == []


def test_redis_is_down(config: dict[str, object]) -> None:
    """A visitor is told at once, on a page that does not ask Redis again."""
    site = create_app({**config, "REDIS_URL": "redis://127.0.0.1:1"})
    visitor = site.test_client()
    client_hash = site.extensions["altdentifier"].settings.client_hash
    visitor.set_cookie(f"altdentifier_{client_hash}", "x" * 43)
    answer = visitor.get("/profile", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "Gatehouse is the example app" in answer.text


# Times


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(hours=5, minutes=10), "5 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(seconds=20), "less than a minute"),
    ],
)
def test_time_left(ahead: timedelta, expected: str) -> None:
    """What is left is told in its largest unit."""
    assert time_left(datetime.now(timezone.utc) + ahead) == expected


def test_day_and_time() -> None:
    """A time is told with its zone."""
    moment = datetime(2026, 12, 1, 4, 5, 59, tzinfo=timezone.utc)
    assert day_and_time(moment) == "1 December 2026, 04:05 UTC"


def _json(answer: TestResponse) -> Any:
    return answer.get_json(force=True)
