"""The old apps of `moving-over.md` work, and the new ones do the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response, jsonify, redirect, request
from flask.testing import FlaskClient
from werkzeug import Response as BaseResponse
from werkzeug.test import Client, TestResponse

from flask_altdentifier import sandbox, testing

from .conftest import run
from .pages import example

requests = pytest.importorskip("requests")

HERE = "https://example.com"
PAGE = {"Accept": "text/html"}


def altdentifier() -> Flask:
    """Return AltDentifier as the old apps meet it."""
    return sandbox.create_app({"the-client": "the-secret"})


def discord() -> Flask:
    """Return as much of Discord as an app needs that logs people in."""
    app = Flask("discord")

    @app.get("/api/oauth2/authorize")
    def authorize() -> BaseResponse:
        asked = request.args
        return redirect(f"{asked['redirect_uri']}?code=a-code&state={asked['state']}")

    @app.post("/api/oauth2/token")
    def token() -> Response:
        assert request.form["code"] == "a-code"
        return jsonify(
            access_token="a-token", token_type="Bearer", expires_in=604800, scope="identify"
        )

    return app


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> dict[str, Client]:
    """The two sites, by host; what is sent with requests goes there, without a socket."""
    sites = {
        "altdentifier.com": Client(altdentifier(), use_cookies=False),
        "discordapp.com": Client(discord(), use_cookies=False),
    }

    def send(_adapter: object, sent: object, **_: object) -> object:
        url = urlsplit(sent.url)  # type: ignore[attr-defined]
        answer = sites[url.hostname or ""].open(
            url._replace(scheme="", netloc="").geturl(),
            method=sent.method,  # type: ignore[attr-defined]
            headers=dict(sent.headers),  # type: ignore[attr-defined]
            data=sent.body,  # type: ignore[attr-defined]
        )
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(answer.headers)
        response._content = answer.data
        response.request = sent
        response.url = url.geturl()
        return response

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    return sites


class Browser:
    """Follows redirects through the app and the sites; the person allows what is asked for."""

    def __init__(self, app: Flask, sites: dict[str, Client]) -> None:
        self.app: FlaskClient = app.test_client()
        self.sites = sites

    def get(self, path: str) -> str:
        """Visit a page, and return the text of where that ends."""
        response: TestResponse = self.app.get(path, base_url=HERE, headers=PAGE)
        while response.location is not None:
            url = urlsplit(response.location)
            target = url._replace(scheme="", netloc="").geturl()
            if url.hostname in {None, "example.com"}:
                response = self.app.get(target, base_url=HERE, headers=PAGE)
            elif url.hostname == "discordapp.com":
                response = self.sites["discordapp.com"].get(target)
            else:
                scopes = parse_qs(url.query)["scope"][0].split(" ")
                allowed = {"decision": "allow", "granted": scopes}
                response = self.sites["altdentifier.com"].post(target, data=allowed)
        assert response.status_code == 200, response.text
        return response.text

    def post(self, path: str) -> None:
        """Send an empty form."""
        assert self.app.post(path, base_url=HERE).status_code in {302, 303}


@pytest.fixture(params=["flask-dance", "authlib", "from-flask-dance"])
def trust_app(
    request: pytest.FixtureRequest, place: Path, internet: dict[str, Client]
) -> Iterator[Browser]:
    """A browser before each app that shows trust factors."""
    yield from browser_of(request.param, place, internet)


@pytest.fixture(params=["flask-discord", "from-flask-discord"])
def members_app(
    request: pytest.FixtureRequest, place: Path, internet: dict[str, Client]
) -> Iterator[Browser]:
    """A browser before each app for members only."""
    yield from browser_of(request.param, place, internet)


def browser_of(name: str, place: Path, internet: dict[str, Client]) -> Iterator[Browser]:
    """Run an app of the page; for ours, put a sandbox in AltDentifier's place."""
    app: Flask = run(example("moving-over", name), place)["app"]
    if "altdentifier" in app.extensions:
        with testing.sandbox_for(app) as stand_in:
            internet["altdentifier.com"] = stand_in._transport.visitor
            yield Browser(app, internet)
    else:
        yield Browser(app, internet)


def test_trust(trust_app: Browser) -> None:
    """Who asks for a trust factor is logged in first; a logout ends that."""
    assert trust_app.get("/") == "Not logged in"
    assert trust_app.get("/trust/100000000000000001") in {"Logged in", "Very Trusted"}
    assert trust_app.get("/") == "Logged in"
    assert trust_app.get("/trust/100000000000000001") == "Very Trusted"
    trust_app.post("/logout")
    assert trust_app.get("/") == "Not logged in"


def test_members(members_app: Browser) -> None:
    """Members only; `/login` leads there too; a logout ends that."""
    assert members_app.get("/") == "Not logged in"
    assert members_app.get("/members") == "Members only"
    assert members_app.get("/") == "Logged in"
    members_app.post("/logout")
    assert members_app.get("/") == "Not logged in"
    assert members_app.get("/login") == "Members only"


def test_old_logins_mean_nothing(place: Path, internet: dict[str, Client]) -> None:
    """A browser that an old app logged in is not logged in at the new one."""
    old = Browser(run(example("moving-over", "authlib"), place)["app"], internet)
    old.get("/trust/100000000000000001")
    app = run(example("moving-over", "from-flask-dance"), place)["app"]
    new = app.test_client()
    new._cookies = old.app._cookies
    refused = new.get("/trust/100000000000000001", base_url=HERE)
    assert json.loads(refused.text)["reason"] == "login_required"
