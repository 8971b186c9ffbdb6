"""The old apps of `moving-over.md` work, and the new ones do the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from flask_altdentifier import sandbox

from ..support import PAGE, reason
from .internet import Discord, replace_internet

if TYPE_CHECKING:
    from flask import Flask

    from .conftest import Site

HERE = "https://example.com"


class Browser:
    """Follows redirects through the app and the sites. The user allows everything."""

    def __init__(self, app: Flask, sites: dict[str, Client]) -> None:
        self.client = app.test_client()
        self.sites = sites

    def get(self, path: str) -> str:
        """Visit a page, and return the text of the page at which that ends."""
        response = self.client.get(path, base_url=HERE, headers=PAGE)
        while response.location is not None:
            url = urlsplit(response.location)
            target = url._replace(scheme="", netloc="").geturl()
            if url.hostname in {None, "example.com"}:
                response = self.client.get(target, base_url=HERE, headers=PAGE)
            elif url.hostname == "altdentifier.com":
                form = {"decision": "allow", "granted": parse_qs(url.query)["scope"][0].split(" ")}
                response = self.sites[url.hostname].post(target, data=form)
            else:
                response = self.sites[url.hostname].get(target)
        assert response.status_code == 200, response.text
        return response.text

    def log_out(self) -> None:
        assert self.client.post("/logout", base_url=HERE).status_code in {302, 303}


Open = Callable[[str], Browser]


@pytest.fixture
def browse(site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Open:
    """A function that runs an app of the page, and returns a browser for it."""

    def open_browser(name: str) -> Browser:
        started = site("moving-over", name)
        client = sandbox.Client("the-client-of-FLASK", "the-secret-of-FLASK")
        started.sandbox.state.clients[client.client_id] = client
        sites = {
            "altdentifier.com": started.sandbox._provider.client,
            "discordapp.com": Client(Discord().create_app(), use_cookies=False),
        }
        replace_internet(monkeypatch, sites)
        return Browser(started.app, sites)

    return open_browser


@pytest.mark.parametrize("name", ["flask-dance", "authlib", "by-hand", "new"])
def test_trust(browse: Open, name: str) -> None:
    """A visitor logs in first. A logout ends that."""
    browser = browse(name)
    assert browser.get("/") == "Not logged in"
    assert browser.get("/trust/100000000000000001") in {"Logged in", "Very Trusted"}
    assert browser.get("/") == "Logged in"
    assert browser.get("/trust/100000000000000001") == "Very Trusted"
    browser.log_out()
    assert browser.get("/") == "Not logged in"


@pytest.mark.parametrize("name", ["flask-discord", "from-flask-discord"])
def test_members(browse: Open, name: str) -> None:
    """Both `/members` and `/login` end on the page for members."""
    browser = browse(name)
    assert browser.get("/members") == "Members only"
    browser.log_out()
    assert not browser.client.get("/members", base_url=HERE).text.startswith("Members")
    assert browser.get("/login") == "Members only"


@pytest.mark.parametrize("name", ["flask-dance", "authlib", "by-hand"])
def test_old_logins_mean_nothing(browse: Open, name: str) -> None:
    old = browse(name)
    old.get("/trust/100000000000000001")
    new = browse("new").client
    new._cookies = old.client._cookies
    response = new.get("/trust/100000000000000001", base_url=HERE)
    assert reason(response) == "login_required"
