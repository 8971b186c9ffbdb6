"""The pages of the example app, logged out and in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app.pages import time_left
from flask_altdentifier.sandbox import Failure
from flask_altdentifier.stores import MemoryStore
from flask_altdentifier.testing import Sandbox

LogIn = Callable[..., object]
ACCOUNT = "/trust?user_id=100000000000000001"


def test_home_page_leads_to_a_login(visitor: FlaskClient) -> None:
    page = visitor.get("/").text
    assert 'href="/login"' in page
    assert "Log out" not in page


@pytest.mark.parametrize("path", ["/members", "/trust", "/servers"])
def test_other_pages_require_a_login(visitor: FlaskClient, path: str) -> None:
    assert visitor.get(path).location == f"/login?next={path}"


def test_home_page_shows_what_was_allowed(visitor: FlaskClient, altdentifier_login: LogIn) -> None:
    altdentifier_login(visitor)
    page = visitor.get("/").text
    assert [page.count(it) for it in ("Allowed<", "Not asked yet<", "Not allowed<")] == [1, 1, 0]
    assert "<strong>Read your AltDentifier account</strong>" in page


def test_declined_scope_can_be_changed(
    visitor: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    altdentifier_login(visitor)
    altdentifier_sandbox.decline("write:integrations")
    altdentifier_sandbox.finish(visitor, visitor.get("/servers"))
    refused = visitor.get("/servers")
    assert refused.status_code == 403
    assert "insufficient_scope" in refused.text
    page = visitor.get("/").text
    assert "Not allowed<" in page
    assert "Not asked yet<" not in page

    altdentifier_sandbox.allow()
    change = re.search(r'href="(/login\?scope=[^"]*)"', page)
    assert change is not None
    altdentifier_sandbox.finish(visitor, visitor.get(change[1]))
    assert visitor.get("/servers").status_code == 200


def test_servers_page_has_the_integration_link(
    visitor: FlaskClient, altdentifier_login: LogIn
) -> None:
    altdentifier_login(visitor, "read:user write:integrations")
    assert "/oauth2/authorize?client_id=gatehouse&amp;scope=write:" in visitor.get("/servers").text


@pytest.mark.parametrize(
    ("user_id", "level"),
    [("100000000000000001", 3), ("200000000000000002", 2), ("1000000000000000003", 0)],
)
def test_trust_factor(
    visitor: FlaskClient, altdentifier_login: LogIn, user_id: str, level: int
) -> None:
    altdentifier_login(visitor)
    page = visitor.get("/trust", query_string={"user_id": f" {user_id} "}).text
    assert f"{level} of 3" in page
    assert f"level-{level}" in page


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("", 200, "Enter a Discord ID"),
        ("?user_id=42", 404, "does not know this account"),
        ("?user_id=%3Cb%3E", 400, "&lt;b&gt;"),
    ],
)
def test_trust_page_without_an_answer(
    visitor: FlaskClient, altdentifier_login: LogIn, query: str, status: int, text: str
) -> None:
    altdentifier_login(visitor)
    response = visitor.get(f"/trust{query}")
    assert response.status_code == status
    assert text in response.text


@pytest.mark.parametrize(
    ("failure", "status", "reason"),
    [
        (Failure.RATE_LIMITED, 503, "provider_unavailable"),
        (Failure.GARBAGE, 502, "provider_error"),
        (Failure.SLOW, 504, "provider_timeout"),
    ],
)
def test_trust_page_shows_a_failure_beside_the_form(
    visitor: FlaskClient,
    altdentifier_login: LogIn,
    altdentifier_sandbox: Sandbox,
    failure: Failure,
    status: int,
    reason: str,
) -> None:
    altdentifier_login(visitor)
    altdentifier_sandbox.failure = failure
    response = visitor.get(ACCOUNT)
    assert response.status_code == status
    assert reason in response.text
    assert 'value="100000000000000001"' in response.text
    assert ("Retry-After" in response.headers) == (failure is Failure.RATE_LIMITED)


def test_revoked_token_ends_the_login(
    visitor: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    altdentifier_login(visitor)
    altdentifier_sandbox.revoke()
    assert visitor.get(ACCOUNT).status_code == 401
    assert visitor.get("/members").status_code == 302


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/callback", 400),
        ("/logout", 405),
        ("/nowhere", 404),
        ("/members/1/forget", 405),
    ],
)
def test_every_response_has_the_security_headers(
    visitor: FlaskClient, path: str, status: int
) -> None:
    response = visitor.get(path)
    assert response.status_code == status
    assert "'unsafe-" not in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    referrers = "no-referrer" if path == "/callback" else "same-origin"
    assert response.headers["Referrer-Policy"] == referrers
    assert "<style" not in response.text
    assert " style=" not in response.text


def test_error_pages_are_in_the_visitors_language_within_the_layout(visitor: FlaskClient) -> None:
    page = visitor.get("/callback", headers={"Accept-Language": "de"}).text
    assert '<html lang="en">' in page
    assert 'lang="de" dir="ltr"' in page
    assert "Von vorn beginnen" in page
    assert "Gatehouse" in page


def test_pages_say_what_is_wrong_while_the_store_is_down(
    visitor: FlaskClient, altdentifier_login: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError

    altdentifier_login(visitor)
    monkeypatch.setattr(MemoryStore, "get", fail)
    for path in ("/", "/members"):
        response = visitor.get(path)
        assert response.status_code == 503
        assert "store_unavailable" in response.text


@pytest.mark.parametrize(
    ("base_url", "count"), [("http://localhost:8400", 1), ("https://altdentifier.com", 0)]
)
def test_pages_say_if_altdentifier_is_a_sandbox(
    make_site: Callable[..., Flask], base_url: str, count: int
) -> None:
    page = make_site(ALTDENTIFIER_BASE_URL=base_url).test_client().get("/").text
    assert page.count("<strong>Sandbox.</strong>") == count


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute"),
        (61, "1 minute"),
        (7200, "2 hours"),
        (604800, "7 days"),
    ],
)
def test_time_left(seconds: int, text: str) -> None:
    assert time_left(datetime.now(timezone.utc) + timedelta(seconds=seconds)) == text
