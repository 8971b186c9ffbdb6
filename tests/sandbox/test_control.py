from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from flask_altdentifier.sandbox import Client, Failure, create_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State


def test_how_to_point_an_app_at_it(visitor: FlaskClient) -> None:
    """The page holds the settings that point an app here."""
    page = visitor.get("/", base_url="http://127.0.0.1:8400").text
    assert "FLASK_ALTDENTIFIER_BASE_URL=http://127.0.0.1:8400\n" in page
    assert "FLASK_ALTDENTIFIER_CLIENT_ID=sandbox\n" in page
    assert "FLASK_ALTDENTIFIER_CLIENT_SECRET=sandbox-secret<" in page


def test_clients_and_people() -> None:
    """The page lists clients with their redirect URIs, users and servers, but no chosen secret."""
    client = Client("mine", "my-own-secret", "Chess <bot>", ("http://localhost/a",))
    page = create_app([client]).test_client().get("/").text
    assert "Chess &lt;bot&gt;" in page
    assert "<code>http://localhost/a</code>" in page
    assert "ada" in page
    assert "Chess Club" in page
    assert "my-own-secret" not in page


@pytest.mark.parametrize(("loopback_only", "words"), [(False, "any."), (True, "any on this")])
def test_open_redirect_uris(loopback_only: bool, words: str) -> None:
    """The page says which redirect URIs will do where none is registered."""
    visitor = create_app(config={"LOOPBACK_ONLY": loopback_only}).test_client()
    assert f"Redirect URIs: {words}" in visitor.get("/").text


def test_no_clients() -> None:
    """A sandbox without clients says so."""
    assert "<p>None.</p>" in create_app([]).test_client().get("/").text


def test_link_and_installations(visitor: FlaskClient) -> None:
    """The page links to the integration page and lists what was added there."""
    page = visitor.get("/").text
    assert "None yet." in page
    link = re.search(r'href="(/oauth2/authorize[^"]*)"', page)
    assert link is not None
    visitor.post(link[1].replace("&amp;", "&"), data={"decision": "allow"})
    assert "<li>Example app on Chess Club, by ada</li>" in visitor.get("/").text


@pytest.mark.parametrize("failure", list(Failure))
def test_switch(visitor: FlaskClient, state: State, failure: Failure) -> None:
    """Each failure can be set by hand, and the page shows which one is."""
    response = visitor.post("/", data={"failure": failure.value})
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert state.failure is failure
    page = visitor.get("/").text
    assert re.findall(r'name="failure" value="([^"]*)" required checked', page) == [failure.value]
    assert f"Now: <strong>{failure.meaning}</strong>" in page


@pytest.mark.parametrize("form", [{}, {"failure": "explode"}])
def test_unknown_failure(visitor: FlaskClient, state: State, form: dict[str, str]) -> None:
    """A failure that there is not is a 400."""
    state.failure = Failure.SLOW
    assert visitor.post("/", data=form).status_code == 400
    assert state.failure is Failure.SLOW


def test_cross_site_form(visitor: FlaskClient, state: State) -> None:
    """No page of another origin can turn the switch."""
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://localhost:5000"}):
        response = visitor.post("/", data={"failure": "slow"}, headers=headers)
        assert response.status_code == 403
    assert state.failure is Failure.NONE


def test_unknown_path(visitor: FlaskClient) -> None:
    """An error is a page of the sandbox too, with all its headers."""
    response = visitor.get("/nothing")
    assert response.status_code == 404
    assert "Sandbox" in response.text
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/oauth2/authorize?client_id=sandbox&scope=write:integrations",
        "/webhooks?client_id=sandbox",
    ],
)
def test_plain_page(visitor: FlaskClient, path: str) -> None:
    """A page has a language, a viewport, one heading and no script; its stylesheet is served."""
    page = visitor.get(path).text
    assert '<html lang="en">' in page
    assert 'name="viewport"' in page
    assert page.count("<h1>") == 1
    assert "<script" not in page
    assert "//" not in re.sub(r"=\"?https?://", "", page)
    style = re.search(r'<link rel="stylesheet" href="([^"]*)"', page)
    assert style is not None
    with visitor.get(style[1]) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/css")
