"""What the pages say of their apps is true. That their code runs is in `test_pages.py`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from flask import Flask
from flask.views import MethodView

import flask_altdentifier
from flask_altdentifier import protect, public, testing
from flask_altdentifier.sandbox import Failure
from flask_altdentifier.testing import Sandbox

from ..support import PAGE, SCRIPT, query_of, reason
from .conftest import run
from .pages import PAGES, blocks, example

BOTH = "read:user write:integrations"


class Page:
    """The app of a page, a browser and a sandbox."""

    def __init__(self, names: dict[str, Any], sandbox: Sandbox) -> None:
        self.names = names
        self.app: Flask = names["app"]
        self.client = self.app.test_client()
        self.sandbox = sandbox

    def log_in(self, scope: str = "read:user") -> None:
        """Log the browser in."""
        assert self.sandbox.log_in(self.client, scope).status_code == 303

    def visit(self, path: str) -> str:
        """Visit a path as a browser does, and return where that leads, or the text."""
        response = self.client.get(path, headers=PAGE)
        return str(response.location or response.text)

    def asks_for(self, path: str) -> str:
        """Return the scope that a visit to *path* makes AltDentifier ask for."""
        return query_of(self.visit(path))["scope"]


@pytest.fixture
def page(request: pytest.FixtureRequest, place: Path) -> Iterator[Page]:
    """The page that is the second word of the test's name."""
    name: str = request.function.__name__.split("_")[1]
    names = run(example(name), place)
    with ExitStack() as stack:
        yield Page(names, stack.enter_context(testing.sandbox_for(names["app"])))


def test_quickstart_home_and_logout(page: Page) -> None:
    """The home page offers what fits, and its form logs out."""
    assert "/login" in page.visit("/")
    assert page.visit("/me") == "/login?next=/me"
    page.log_in()
    assert page.visit("/me") == "You allowed: read:user"
    assert 'action="/logout"' in page.visit("/")
    page.client.post("/logout")
    assert "/login" in page.visit("/")


def test_protecting_one_view(page: Page) -> None:
    """Sync, async and class-based views are closed, and open with a login."""
    for path in ("/me", "/slow", "/settings", "/members/"):
        assert page.visit(path) == f"/login?next={path}"
        assert reason(page.client.get(path, headers=SCRIPT)) == "login_required"
    assert page.client.post("/settings", headers=PAGE).status_code == 401
    page.log_in()
    assert page.visit("/me").startswith("Your login ends at ")
    assert page.visit("/slow") == "Worth the wait"
    assert page.client.post("/settings").text == "Saved"
    assert page.visit("/members/") == "Members only"


def test_protecting_answers(page: Page) -> None:
    """Answers of protected views are nobody else's."""
    page.log_in()
    answer = page.client.get("/me")
    assert (answer.headers["Vary"], answer.headers["Cache-Control"]) == ("Cookie", "no-store")


def test_protecting_open_paths(page: Page) -> None:
    """What the page lists stays open."""
    assert page.visit("/") == "Welcome"
    assert page.visit("/members/rules") == "Everybody may read the rules"
    page.log_in()
    assert page.visit("/") == "Welcome back"


def test_protecting_public_class(page: Page) -> None:
    """A class of views is opened by its `decorators`."""

    class Open(MethodView):
        decorators: ClassVar[list[Any]] = [public]

        def get(self) -> str:
            return "open"

    protect(page.app)
    page.app._got_first_request = False
    page.app.add_url_rule("/open", view_func=Open.as_view("open"))
    page.app.add_url_rule("/closed", "closed", lambda: "closed")
    assert page.client.get("/open").text == "open"
    assert page.client.get("/closed").status_code == 401


def test_protecting_asks_twice(page: Page) -> None:
    """Who is not logged in is asked for the login's scope first, then for the page's."""
    login = page.visit("/servers")
    assert login == "/login?next=/servers"
    assert query_of(page.client.get(login).location)["scope"] == "read:user"
    page.log_in()
    assert page.asks_for("/servers") == BOTH


def test_protecting_more_scopes(page: Page) -> None:
    """Stacked scopes are asked for at once; what was asked for before is not lost."""
    page.log_in()
    assert page.asks_for("/servers") == BOTH
    assert page.asks_for("/add") == BOTH
    page.sandbox.decline("write:integrations")
    page.log_in(BOTH)
    refused = page.client.get("/servers", headers=SCRIPT)
    assert json.loads(refused.text)["missing_scopes"] == ["write:integrations"]
    assert page.client.get("/servers", headers=PAGE).status_code == 403


def test_protecting_logout(page: Page) -> None:
    """A link does not log out, another site's form neither; a view of one's own does."""
    page.log_in()
    assert page.client.get("/logout").status_code == 405
    other = page.client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert reason(other) == "cross_site"
    assert page.client.post("/bye").location == "/"
    assert page.client.get("/me").status_code == 401


def test_protecting_signals(page: Page) -> None:
    """A receiver is told of a login."""
    page.log_in(BOTH)
    assert page.names["logins"] == [["read:user", "write:integrations"]]


def test_scopes_asked_for_and_declined(page: Page) -> None:
    """What was not asked for is asked for, what was declined is not."""
    page.log_in()
    assert page.visit("/profile") == "Want to add a server?"
    assert page.asks_for("/servers") == BOTH
    page.sandbox.decline("write:integrations")
    page.log_in(BOTH)
    assert page.visit("/profile").startswith("You chose not to")
    assert page.client.get("/servers", headers=PAGE).status_code == 403
    assert page.asks_for("/allow-servers") == BOTH
    page.sandbox.allow()
    page.log_in(BOTH)
    assert page.visit("/profile") == "You can add servers."
    assert page.visit("/servers") == "Your servers"


def test_scopes_servers(page: Page) -> None:
    """Both ways to a server lead there."""
    link = "https://altdentifier.com/oauth2/authorize?client_id=the-client"
    assert (
        page.visit("/invite")
        == f"<a href='{link}&amp;scope=write:integrations'>Add to my server</a>"
    )
    assert query_of(page.visit("/add/300000000000000001"))["guild_id"] == "300000000000000001"


def test_errors_handlers(page: Page) -> None:
    """The handler of the base keeps what the answer had; one of a class comes before it."""
    refused = page.client.get("/me", headers=SCRIPT)
    assert (refused.status_code, refused.headers["X-Reason"]) == (401, "login_required")
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    page.sandbox.deny()
    assert page.sandbox.log_in(page.client).text.startswith("That is fine.")


def test_errors_own_page(page: Page) -> None:
    """A template of that name in the app is used."""
    shown = page.client.get("/callback", headers=PAGE)
    assert "(invalid_state)" in shown.text
    assert '<a href="/login">' in shown.text


def test_errors_extended_page(page: Page, place: Path) -> None:
    """A template of one's own can fill the package's blocks."""
    extending = next(b for b in blocks("errors") if b.code.startswith("{% extends"))
    (place / str(extending.file)).write_text(extending.code)
    shown = page.client.get("/callback", headers=PAGE).text
    assert "<title>This login cannot be finished | Chess Club</title>" in shown
    assert "Back to the club</a>" in shown
    assert "h1 { color: var(--accent) }" in shown
    assert "--accent: #" in shown  # what was there stays


def test_errors_blocks() -> None:
    """The page names each block of the template, and the colours."""
    template = (
        Path(flask_altdentifier.__file__).parent / "templates/altdentifier/error_page.html"
    ).read_text()
    table = PAGES["errors"].read_text().partition("| block | holds |")[2].partition("\n\n")[0]
    for name in re.findall(r"{% block (\w+) %}", template) + re.findall(r"(--[\w-]+):", template):
        assert f"`{name}`" in table, name


def test_errors_status_handlers(page: Page) -> None:
    """A handler of a status does not see these errors."""
    page.app._got_first_request = False
    page.app.register_error_handler(400, lambda _: "a bad request")
    assert page.client.get("/callback").headers["X-Reason"] == "invalid_state"


def test_api_answers(page: Page) -> None:
    """The API's answers come through, and its failures as the table says."""
    assert page.client.get("/trust/100000000000000001").status_code == 401
    page.log_in()
    assert page.visit("/trust/100000000000000001") == "Very Trusted (3 of 3)"
    assert page.client.get("/trust/5").status_code == 404
    assert page.client.get(f"/trust/{10**20}").text == "A Discord id has 20 digits at most."
    assert page.client.get("/raw/5").status_code == 404
    assert page.client.get("/raw/100000000000000001").json == {
        "trustfactor": 3,
        "formatted_trustfactor": "Very Trusted",
    }
    assert page.client.get("/api/me").json["scope"] == ["read:user"]
    failures = {
        Failure.RATE_LIMITED: "provider_unavailable",
        Failure.SERVER_ERROR: "provider_error",
        Failure.GARBAGE: "provider_error",
        Failure.SLOW: "provider_timeout",
    }
    for failure, expected in failures.items():
        page.sandbox.failure = failure
        assert reason(page.client.get("/trust/100000000000000001")) == expected
        assert (
            page.visit("/maybe/100000000000000001")
            == "AltDentifier does not answer. We do not know."
        )
    page.sandbox.failure = Failure.UNAUTHORIZED
    assert reason(page.client.get("/trust/100000000000000001")) == "login_required"
    page.sandbox.failure = Failure.NONE
    assert reason(page.client.get("/api/me")) == "login_required"


def test_webhooks_answers(page: Page) -> None:
    """What is not signed is refused, and a handler may run twice."""
    assert reason(page.client.post("/webhook", data=b"{}")) == "webhook_digest"
    assert len(page.names["welcomed"]) == 1
    sent = page.names["body"]
    signed = {"Digest": page.names["webhooks"].digest(page.names["secret"], sent)}
    assert page.client.post("/webhook", data=sent, headers=signed).status_code == 204
    assert len(page.names["welcomed"]) == 1


def test_webhooks_log(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    """The line that the page says to look for."""
    caplog.set_level("INFO")
    sent = page.names["body"]
    signed = {"Digest": page.names["webhooks"].digest(page.names["secret"], sent)}
    page.client.post("/webhook", data=sent, headers=signed)
    assert "AltDentifier: PASSED." in caplog.messages


def test_config_other_place(page: Page) -> None:
    """With a prefix and a name, the routes and endpoints follow."""
    other: Flask = page.names["other"]
    with other.test_request_context():
        assert other.url_for("auth.login") == "/auth/login"
    assert {"/auth/login", "/auth/callback", "/auth/logout"} <= {
        rule.rule for rule in other.url_map.iter_rules()
    }
