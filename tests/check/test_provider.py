"""What `flask altdentifier check` hears from AltDentifier."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.http import http_date

from flask_altdentifier.check import find
from flask_altdentifier.errors import AltDentifierError, ProviderError, ProviderTimeout
from flask_altdentifier.testing import sandbox_for

from ..support import FakeAltDentifier, altdentifier, extension
from .checking import CLOUD, SECURE, codes, good_app


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (200, []),
        (302, []),
        (400, []),
        (401, ["client-secret"]),
        (404, ["client-id"]),
        (429, ["provider-error"]),
        (500, ["provider-error"]),
    ],
)
def test_what_the_provider_says(status: int, found: list[str]) -> None:
    """404 means that the client id is unknown, 401 that the secret is wrong; no other does."""
    app = good_app()
    altdentifier(app).status = status
    assert codes(find(app)) == found
    page, *rest = altdentifier(app).requests
    assert page == (
        "GET",
        "/oauth2/authorize?client_id=the-client&scope=write:integrations",
        {"Accept": "text/html"},
        {},
    )
    assert [request[:2] for request in rest] == (
        [("POST", "/oauth2/token")] if status < 404 else []
    )


def test_code_that_nobody_was_given() -> None:
    """The secret goes out with a random code, for the redirect URI that is set."""
    app = good_app(ALTDENTIFIER_REDIRECT_URI=CLOUD, **SECURE)
    assert find(app) == find(app) == []
    first, second = (request[-1] for request in altdentifier(app).requests[1::2])
    assert first["redirect_uri"] == CLOUD
    assert first["client_secret"] == "the-secret"
    assert first["code"] != second["code"]


@pytest.mark.parametrize("error", [ProviderError, ProviderTimeout])
def test_provider_that_cannot_be_reached(error: type[AltDentifierError]) -> None:
    """A provider that does not answer is named, with the way to a sandbox where that is it."""
    app = good_app()
    altdentifier(app).error = error()
    [finding] = find(app)
    assert finding.code == "provider-unreachable"
    assert "altdentifier.com" in finding.mend
    app = good_app(ALTDENTIFIER_BASE_URL="http://127.0.0.1:8400")
    altdentifier(app).error = error()
    [finding] = find(app)
    assert finding.mend.startswith("flask altdentifier sandbox")


class LongPage(FakeAltDentifier):
    """An AltDentifier whose page is longer than the transport reads."""

    def request(self, method: str, target: str, **rest: Any) -> Any:
        self.error = ProviderError() if method == "GET" else None
        return super().request(method, target, **rest)


def test_page_that_is_too_long() -> None:
    """Where the page does not come whole, its head is asked for."""
    app = good_app()
    extension(app).transport = LongPage(status=404)
    assert codes(find(app)) == ["client-id"]


@pytest.mark.parametrize(
    ("offset", "words"), [(0, ""), (50, ""), (300, "seconds behind"), (-300, "seconds ahead of")]
)
def test_clock(offset: int, words: str) -> None:
    """The clock is compared with the provider's, where it tells the time."""
    app = good_app()
    altdentifier(app).headers = {"Date": http_date(time.time() + offset)}
    found = find(app)
    assert codes(found) == (["clock"] if words else [])
    assert all(words in finding.message for finding in found)


@pytest.mark.parametrize("year", ["99999999999", "x"])
def test_date_that_is_none(year: str) -> None:
    """A date that cannot be is no time."""
    app = good_app()
    altdentifier(app).headers = {"Date": f"Mon, 01 Jan {year} 00:00:00 GMT"}
    assert find(app) == []


def test_sandbox_knows_the_app() -> None:
    """A check against the sandbox finds the client there, and whether the secret is its."""
    app = good_app()
    with sandbox_for(app) as sandbox:
        assert find(app) == []
        client = sandbox.state.clients["the-client"]
        sandbox.state.clients["the-client"] = replace(client, client_secret="another")
        assert codes(find(app)) == ["client-secret"]
        sandbox.state.clients.clear()
        assert codes(find(app)) == ["client-id"]
