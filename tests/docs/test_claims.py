"""What the pages say of their apps is true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

import flask_altdentifier
from flask_altdentifier.sandbox import Failure

from ..support import PAGE, SCRIPT, query_of, reason
from .conftest import Site
from .pages import ROOT, blocks, rows

BOTH = "read:user write:integrations"
Sites = Callable[..., Site]


def test_readme_alternatives_fail_if_the_state_does_not_match() -> None:
    """Flask-Dance, and Authlib by hand, as their docs set them up."""
    dance = pytest.importorskip("flask_dance.consumer")
    authlib = pytest.importorskip("authlib.integrations.flask_client")
    keys = {"client_id": "an-id", "client_secret": "a-secret"}
    authorize, token = "https://provider.example/authorize", "https://provider.example/token"
    app = Flask("alternatives")
    app.secret_key = "not-secret"
    app.register_blueprint(
        dance.OAuth2ConsumerBlueprint(
            "dance", __name__, authorization_url=authorize, token_url=token, **keys
        )
    )
    client = authlib.OAuth(app).register(
        "authlib", authorize_url=authorize, access_token_url=token, **keys
    )
    app.add_url_rule("/authlib", "login", lambda: client.authorize_redirect("https://localhost/"))
    app.add_url_rule("/authlib/authorized", "authorize", client.authorize_access_token)
    browser = app.test_client()
    for name in ("dance", "authlib"):
        assert browser.get(f"/{name}").status_code == 302
        callback = f"https://localhost/{name}/authorized?code=a-code&state=made-up"
        assert browser.get(callback).status_code == 500


def test_quickstart(site: Sites) -> None:
    """The home page offers what fits, and its form logs out."""
    page = site("quickstart")
    assert page.visit("/me") == "/login?next=/me"
    page.log_in()
    assert page.visit("/me") == "You allowed: read:user"
    assert 'action="/logout"' in page.visit("/")
    page.client.post("/logout")
    assert "/login" in page.visit("/")


def test_example_app_has_the_script_for_pages_in_memory() -> None:
    """Its stories in tests/real_browsers go back after a logout."""
    (script,) = (block for block in blocks("protecting") if block.language == "js")
    example = ROOT / "example_app/static/live.js"
    assert script.code in example.read_text()


def test_protecting_visitors(site: Sites) -> None:
    """Each row of the table of visitors."""
    page = site("protecting")
    assert page.visit("/servers") == "/login?next=/servers"
    one_consent_page = page.visit("/login?next=/servers&scope=write:integrations")
    assert query_of(one_consent_page)["scope"] == BOTH
    assert reason(page.client.get("/servers", headers=SCRIPT)) == "login_required"
    page.log_in()
    assert query_of(page.visit("/servers"))["scope"] == BOTH
    assert reason(page.client.get("/servers", headers=SCRIPT)) == "insufficient_scope"
    page.sandbox.decline("write:integrations")
    page.log_in(BOTH)
    declined = page.client.get("/servers", headers=PAGE)
    assert declined.status_code == 403
    assert "scope=write:integrations" in declined.text
    page.sandbox.allow()
    page.log_in(BOTH)
    assert page.visit("/servers") == "Your servers"


def test_protecting_what_stays_open(site: Sites) -> None:
    """`protect` guards a blueprint, but not its public views."""
    page = site("protecting")
    assert page.visit("/members/") == "/login?next=/members/"
    assert page.visit("/members/rules") == "Everybody may read the rules."


def test_protecting_current_grant(site: Sites) -> None:
    """A page knows what was granted, declined and never asked for."""
    page = site("protecting")
    assert page.visit("/") == "Welcome"
    page.log_in()
    assert page.visit("/") == "Do you want to add a server?"
    page.sandbox.decline("write:integrations")
    page.log_in(BOTH)
    assert page.visit("/") == "You declined to add servers."


def test_protecting_cache(site: Sites) -> None:
    """The guard stands before the cache, and each visitor has a page of their own."""
    page = site("protecting")
    page.log_in()
    first = page.visit("/news")
    assert page.visit("/news") == first
    page.client.post("/logout")
    assert page.visit("/news") == "/login?next=/news"
    page.sandbox.expires_in = 60
    page.log_in()
    assert page.visit("/news") != first


def test_errors_handlers(site: Sites) -> None:
    """A handler of a class comes before one of its base."""
    page = site("errors")
    assert reason(page.client.get("/callback")) == "invalid_state"
    page.sandbox.deny()
    denied = page.sandbox.finish(page.client, page.client.get("/login"), expect="access_denied")
    assert denied.text == page.names["declined"](None)[0]


def test_errors_templates(site: Sites, place: Path) -> None:
    """The extending template keeps the page, and an edited copy replaces it."""
    page = site("errors")
    assert " | Chess Club</title>" in page.visit("/callback")
    assert "h1 { color: var(--accent) }" in page.visit("/callback")
    package = Path(flask_altdentifier.__file__).parent
    copy = (package / "templates/altdentifier/error_page.html").read_text()
    page.app.jinja_env.cache.clear()  # type: ignore[union-attr]
    (place / "templates/altdentifier/error.html").write_text(copy.replace("<h1>", "<h1>Chess: "))
    assert "<h1>Chess: " in page.visit("/callback")


def test_log_lines(site: Sites, caplog: pytest.LogCaptureFixture) -> None:
    """A log line names the facts."""
    page = site("quickstart")
    page.sandbox.failure = Failure.GARBAGE
    page.log_in(expect="provider_error")
    shown = [row[1].strip("`") for row in rows("observability", "level")]
    assert caplog.messages[-1] in shown


def test_api(site: Sites) -> None:
    """A trust factor needs no login, failures are as in the table, and htmx is redirected."""
    page = site("api")
    assert page.visit("/trust/100000000000000001") == "Very Trusted (3 of 3)"
    assert page.client.get("/trust/5").status_code == 404
    assert reason(page.client.get("/raw/5")) == "login_required"
    page.log_in()
    assert page.client.get("/raw/5").status_code == 404
    assert page.client.get("/raw/100000000000000001").json["trustfactor"] == 3
    for failure, expected in {
        Failure.RATE_LIMITED: "provider_unavailable",
        Failure.SERVER_ERROR: "provider_error",
        Failure.SLOW: "provider_timeout",
    }.items():
        page.sandbox.failure = failure
        assert reason(page.client.get("/raw/5")) == expected
    page.sandbox.failure = Failure.UNAUTHORIZED
    assert reason(page.client.get("/raw/5")) == "login_required"
    page.sandbox.failure = Failure.NONE
    ended = page.client.get("/raw/5", headers={"HX-Request": "true"})
    assert reason(ended) == "login_required"
    assert ended.headers["HX-Redirect"] == ended.json["login_url"]


@pytest.mark.parametrize(
    ("name", "path", "mimetype"),
    [
        ("", "/pets/", "application/problem+json"),
        ("restx", "/api/pets", "application/json"),
        ("cors", "/api/pets", "application/problem+json"),
    ],
)
def test_frameworks(name: str, path: str, mimetype: str, site: Sites) -> None:
    """Programs get the reason, and a login opens the view."""
    page = site("apis-and-cors", name)
    refused = page.client.get(path)
    assert (refused.status_code, refused.mimetype) == (401, mimetype)
    assert refused.get_json(force=True)["reason"] == "login_required"
    page.log_in()
    assert page.client.get(path).status_code == 200


def test_cors_preflight_is_open(site: Sites) -> None:
    """`CORS(app)` answers the preflight of a protected view."""
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
    answer = site("apis-and-cors", "cors").client.options("/api/pets", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_socket_sees_a_logout(site: Sites) -> None:
    """A socket is refused without a login, and closed at the first message after a logout."""
    page = site("sockets-and-streams")
    connect = page.names["socketio"].test_client
    assert not connect(page.app, flask_test_client=page.client).is_connected()
    page.log_in()
    socket = connect(page.app, flask_test_client=page.client)
    socket.emit("ask", "")
    assert socket.get_received()[0]["args"] == [["read:user"]]
    page.client.post("/logout")
    socket.emit("ask", "")
    assert not socket.is_connected()


def test_webhooks(site: Sites, caplog: pytest.LogCaptureFixture) -> None:
    """A replayed event changes nothing, and one without a digest is refused."""
    caplog.set_level("INFO")
    page = site("webhooks")
    body = page.names["body"]
    signed = {"Digest": page.names["webhooks"].digest(page.names["secret"], body)}
    assert page.client.post("/webhook", data=body, headers=signed).status_code == 204
    assert page.names["verified"] == {("2", "1")}
    assert "AltDentifier sent <Op.PASSED: 1>." in caplog.messages
    assert reason(page.client.post("/webhook", data=body)) == "webhook_digest"
