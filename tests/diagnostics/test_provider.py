"""What `flask altdentifier check` learns from AltDentifier."""

from __future__ import annotations

import time
from typing import Any

import pytest
from werkzeug.http import http_date

from flask_altdentifier.diagnostics import check_app
from flask_altdentifier.errors import AltDentifierError, ProviderError, ProviderTimeout

from ..support import FakeAltDentifier, altdentifier, state_of
from .apps import CLIENT_ID, CLIENT_SECRET, PUBLIC, codes, good_app, live_app, only


class ByMethod(FakeAltDentifier):
    """An AltDentifier whose token endpoint has a status of its own."""

    token_status = 400

    def request(self, method: str, target: str, **rest: Any) -> Any:
        page, self.status = self.status, self.token_status if method == "POST" else self.status
        try:
            return super().request(method, target, **rest)
        finally:
            self.status = page


@pytest.mark.parametrize(
    ("page", "token", "found"),
    [
        (200, 400, []),
        (302, 400, []),
        (404, 400, ["client-id"]),
        (403, 403, ["provider-unreachable"]),
        (429, 400, ["provider-error"]),
        (500, 400, ["provider-error"]),
        (200, 401, ["client-secret"]),
        (200, 403, ["provider-unreachable"]),
        (200, 503, ["provider-error"]),
        (200, 302, ["provider-error"]),
    ],
)
def test_statuses_of_page_and_token_endpoint_are_explained(
    page: int, token: int, found: list[str]
) -> None:
    app = good_app()
    state_of(app).transport = fake = ByMethod(status=page)
    fake.token_status = token
    assert codes(app, offline=False) == found


def test_made_up_code_is_sent_with_the_credentials() -> None:
    app = live_app()
    altdentifier(app).status = 400
    assert codes(app, offline=False) == []
    page, token = altdentifier(app).requests
    query = f"client_id={CLIENT_ID}&scope=write:integrations"
    assert page[:2] == ("GET", f"/oauth2/authorize?{query}")
    assert token[:2] == ("POST", "/oauth2/token")
    assert (token[3]["redirect_uri"], token[3]["client_secret"]) == (PUBLIC, CLIENT_SECRET)


@pytest.mark.parametrize("error", [ProviderError(cause="SSLError"), ProviderTimeout()])
def test_provider_that_does_not_answer(error: AltDentifierError) -> None:
    app = good_app()
    altdentifier(app).error = error
    found = only(app, offline=False)
    assert found.code == "provider-unreachable"
    assert ("SSLError" in found.title) is isinstance(error, ProviderError)
    app = good_app(ALTDENTIFIER_BASE_URL="http://127.0.0.1:8400")
    altdentifier(app).error = error
    assert only(app, offline=False).fix.startswith("flask altdentifier sandbox")


def test_certificate_that_is_not_trusted() -> None:
    app = good_app()
    altdentifier(app).error = ProviderError(cause="SSLCertVerificationError")
    found = only(app, offline=False)
    assert found.code == "provider-unreachable"
    assert "CA certificates" in found.fix
    assert "firewall" not in found.fix


@pytest.mark.parametrize("body", [b"<h1>Parked</h1>", b"{}"])
def test_response_that_is_not_the_api(body: bytes) -> None:
    app = good_app()
    altdentifier(app).body = body
    found = only(app, offline=False)
    assert found.code == "provider-error"
    assert "status 200" in found.title
    assert "ALTDENTIFIER_BASE_URL" in found.fix


def test_token_endpoint_that_does_not_answer() -> None:
    class Half(FakeAltDentifier):
        def request(self, method: str, target: str, **rest: Any) -> Any:
            self.error = ProviderTimeout() if method == "POST" else None
            return super().request(method, target, **rest)

    app = good_app()
    state_of(app).transport = Half()
    assert codes(app, offline=False) == ["provider-unreachable"]


def test_page_that_is_too_long() -> None:
    class LongPage(FakeAltDentifier):
        def request(self, method: str, target: str, **rest: Any) -> Any:
            self.error = ProviderError(provider_status=200) if method == "GET" else None
            return super().request(method, target, **rest)

    app = good_app()
    state_of(app).transport = LongPage(status=401)
    assert codes(app, offline=False) == ["client-secret"]


@pytest.mark.parametrize(
    ("date", "words"),
    [
        (0, ""),
        (600, "behind"),
        (-600, "ahead of"),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", ""),
        ("x", ""),
    ],
)
def test_clock_that_differs_by_minutes_is_found(date: int | str, words: str) -> None:
    """The number of seconds counts from the test, because the collection may be minutes ago."""
    app = good_app()
    header = date if isinstance(date, str) else http_date(time.time() + date)
    altdentifier(app).status, altdentifier(app).headers = 400, {"Date": header}
    found = check_app(app)
    assert [problem.code for problem in found] == (["clock"] if words else [])
    assert all(words in problem.title for problem in found)
