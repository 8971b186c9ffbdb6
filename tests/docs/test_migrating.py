"""The old app of `migrating.md` works, and the new one does the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from flask_altdentifier import sandbox

from ..support import PAGE, reason
from .internet import replace_internet

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import Client

    from .conftest import Site

HERE = "https://example.com"


class Browser:
    """Follows redirects through the app and AltDentifier. The user allows everything."""

    def __init__(self, app: Flask, altdentifier: Client) -> None:
        self.client = app.test_client()
        self.altdentifier = altdentifier

    def get(self, path: str) -> str:
        """Visit a page, and return the text of the page at which that ends."""
        response = self.client.get(path, base_url=HERE, headers=PAGE)
        while response.location is not None:
            url = urlsplit(response.location)
            target = url._replace(scheme="", netloc="").geturl()
            if url.hostname in {None, "example.com"}:
                response = self.client.get(target, base_url=HERE, headers=PAGE)
            else:
                form = {"decision": "allow", "granted": parse_qs(url.query)["scope"][0].split(" ")}
                response = self.altdentifier.post(target, data=form)
        assert response.status_code == 200, response.text
        return response.text

    def log_out(self) -> None:
        assert self.client.post("/logout", base_url=HERE).status_code in {302, 303}


Open = Callable[[str], Browser]


@pytest.fixture
def browse(site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Open:
    """A function that runs an app of the page, and returns a browser for it."""

    def open_browser(name: str) -> Browser:
        started = site("migrating", name)
        client = sandbox.Client("the-client-of-FLASK", "the-secret-of-FLASK")
        started.sandbox.state.clients[client.client_id] = client
        altdentifier = started.sandbox._provider.client
        replace_internet(monkeypatch, {"altdentifier.com": altdentifier})
        return Browser(started.app, altdentifier)

    return open_browser


@pytest.mark.parametrize("name", ["flask-dance", "new"])
def test_trust(browse: Open, name: str) -> None:
    """A visitor logs in first. A logout ends that."""
    browser = browse(name)
    assert browser.get("/") == "Not logged in"
    assert browser.get("/trust/100000000000000001") in {"Logged in", "Very Trusted"}
    assert browser.get("/") == "Logged in"
    assert browser.get("/trust/100000000000000001") == "Very Trusted"
    browser.log_out()
    assert browser.get("/") == "Not logged in"


def test_old_logins_mean_nothing(browse: Open) -> None:
    old = browse("flask-dance")
    old.get("/trust/100000000000000001")
    new = browse("new").client
    new._cookies = old.client._cookies
    response = new.get("/trust/100000000000000001", base_url=HERE)
    assert reason(response) == "login_required"
