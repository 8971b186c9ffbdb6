"""`api`: bearer calls as the logged-in user, and trust factors for anyone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from traceback import TracebackException
from typing import Any, TypeVar

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from flask_altdentifier import ApiResponse, TrustFactor, api, current_grant, logout
from flask_altdentifier.api_client import MAX_TEXT
from flask_altdentifier.errors import AltDentifierError, ProviderError, ProviderTimeout

from .support import (
    PAGE,
    FakeAltDentifier,
    cookies_of,
    log_in,
    make_app,
    query_of,
    reason,
    set_cookies,
    state_of,
    store_of,
    words,
)

T = TypeVar("T")


class Peer(FakeAltDentifier):
    """Answers calls of the API as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str, dict[str, str], bytes | None]] = []
        self.answer(200, b"{}")

    def answer(self, status: int, data: bytes, **headers: str) -> None:
        self.response = status, {n.replace("_", "-"): v for n, v in headers.items()}, data

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        read: Callable[[ApiResponse], T],
    ) -> T:
        if target == "/oauth2/token":
            return super().request(method, target, headers=headers, body=body, read=read)
        self.calls.append((method, target, dict(headers), body))
        if self.error is not None:
            raise self.error
        status, fields, data = self.response
        return self.deliver(ApiResponse(status, Headers(fields), data), read)


class Lab:
    """A browser, a peer, and an app whose view `/do` runs what a test gives it."""

    def __init__(self, **config: Any) -> None:
        self.app = make_app(**config)
        self.peer = Peer()
        state_of(self.app).transport = self.peer
        self.client = self.app.test_client()
        self.app.add_url_rule("/do", "do", lambda: {"result": self.view()})
        self.view: Callable[[], Any] = lambda: None

    def do(self, view: Callable[[], Any], **options: Any) -> TestResponse:
        """Run *view* in a request of the browser."""
        self.view = view
        return self.client.get("/do", **options)

    def result(self, view: Callable[[], Any]) -> Any:
        """Return what *view* returns in a request of the browser."""
        response = self.do(view)
        assert response.status_code == 200, response.text
        return (response.json or {})["result"]


@pytest.fixture
def lab() -> Lab:
    """A lab whose browser is logged in."""
    lab = Lab()
    log_in(lab.client)
    return lab


def status_of(url: str, method: str = "GET", **options: Any) -> Callable[[], int]:
    return lambda: api.request(method, url, **options).status


def raised_by(view: Callable[[], Any]) -> Callable[[], str]:
    """Return a view that returns the class name of what *view* raises."""

    def run() -> str:
        try:
            view()
        except (AltDentifierError, ValueError, TypeError) as error:
            return type(error).__name__
        return "nothing"

    return run


# What is sent


def test_call_carries_the_token(lab: Lab) -> None:
    assert lab.result(status_of("/api/v2/thing?a=1&b=%20")) == 200
    headers = {"Accept": "application/json", "Authorization": "Bearer blablatoken0"}
    assert lab.peer.calls == [("GET", "/api/v2/thing?a=1&b=%20", headers, None)]


def test_response_is_whole(lab: Lab) -> None:
    lab.peer.answer(418, b'{"a": [1]}', X_Thing="yes")

    def view() -> list[Any]:
        response = api.get("/x")
        return [response.status, response.headers["x-thing"], len(response.data), response.json()]

    assert lab.result(view) == [418, "yes", 10, {"a": [1]}]


def test_get_and_post_pass_everything_on(lab: Lab) -> None:
    lab.result(lambda: api.get("/x", headers={"A": "b"}).status)
    lab.result(lambda: api.post("/x", data=b"\x00", headers={"A": "c"}).status)
    lab.result(lambda: api.post("/x", json=[1], headers={"A": "d"}).status)
    sent = [(method, headers["A"], body) for method, _, headers, body in lab.peer.calls]
    assert sent == [("GET", "b", None), ("POST", "c", b"\x00"), ("POST", "d", b"[1]")]


def test_only_urls_of_the_base_url_are_called(lab: Lab) -> None:
    assert lab.result(status_of("https://altdentifier.com/a")) == 200
    assert lab.result(raised_by(status_of("https://evil.example/a"))) == "ValueError"
    assert [target for _, target, _, _ in lab.peer.calls] == ["/a"]


# Without a grant, and its end


def test_nothing_is_sent_without_a_login(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def view() -> str:
        logout()
        return raised_by(status_of("/x"))()

    monkeypatch.setattr("flask_altdentifier.grant.Grant.expired", True)
    assert lab.result(raised_by(status_of("/x"))) == "LoginRequired"
    monkeypatch.undo()
    assert lab.result(view) == "LoginRequired"
    response = lab.do(status_of("/x"))
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (response.json or {})["login_url"] == "/login"
    page = lab.do(status_of("/x"), headers=PAGE, query_string="a=1")
    assert 'href="/login?next=/do?a%3D1"' in page.text
    assert lab.peer.calls == []


def test_401_ends_the_grant_for_good(lab: Lab) -> None:
    copy = lab.app.test_client()
    lab.client.get("/cart/apples")
    for name, value in cookies_of(lab.client).items():
        copy.set_cookie(name, value)
    lab.peer.answer(401, b"")

    def view() -> list[Any]:
        call = raised_by(status_of("/x"))
        return [bool(current_grant), call(), call(), bool(current_grant)]

    response = lab.do(view)
    assert response.json == {"result": [True, "LoginRequired", "LoginRequired", False]}
    assert (len(lab.peer.calls), set_cookies(response)) == (1, [])
    assert lab.client.get("/who").text == copy.get("/who").text == "nobody"
    assert lab.client.get("/cart").text == "apples"


def test_401_leads_to_a_login_and_back(lab: Lab) -> None:
    lab.peer.answer(401, b"")
    assert 'href="/login?next=/do"' in lab.do(status_of("/x"), headers=PAGE).text


def test_401_while_the_store_is_down_is_a_503(lab: Lab) -> None:
    store_of(lab.app).failing = {"delete"}
    lab.peer.answer(401, b"")
    assert reason(lab.do(status_of("/x"))) == "store_unavailable"


# What comes back


ALL_SCOPES = ["read:user", "write:integrations"]


@pytest.mark.parametrize("granted", [ALL_SCOPES[:1], ALL_SCOPES[1:], ALL_SCOPES])
def test_403_is_insufficient_scope(granted: list[str]) -> None:
    lab = Lab(ALTDENTIFIER_SCOPE=ALL_SCOPES)
    lab.peer.token = {"scope": " ".join(granted)}
    log_in(lab.client)
    lab.peer.answer(403, b"")
    response = lab.do(status_of("/x"))
    assert (response.status_code, reason(response)) == (403, "insufficient_scope")
    assert {*(response.json or {})["missing_scopes"]} == {*ALL_SCOPES} - {*granted}
    assert lab.client.get("/who").text == "known"


def test_403_leads_to_a_login_that_asks_for_more(lab: Lab) -> None:
    lab.peer.answer(403, b"")
    body = lab.do(status_of("/x")).json or {}
    assert query_of(body["login_url"]) == {"scope": "write:integrations"}


@pytest.mark.parametrize(
    ("status", "sent", "code", "why", "passed"),
    [
        (429, "120", 503, "provider_unavailable", "120"),
        (503, "text-of-the-peer", 503, "provider_unavailable", None),
        *((status, "120", 502, "provider_error", None) for status in (500, 501, 504, 520, 999)),
    ],
)
def test_failures_of_altdentifier(
    lab: Lab, status: int, sent: str, code: int, why: str, passed: str | None
) -> None:
    lab.peer.answer(status, b"", Retry_After=sent)
    response = lab.do(status_of("/x"))
    assert (response.status_code, reason(response)) == (code, why)
    assert response.headers.get("Retry-After") == passed


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 304, 307, 308, 400, 404, 409, 418])
def test_other_responses_are_returned(lab: Lab, status: int) -> None:
    """A redirect is not followed."""
    lab.peer.answer(status, b"", Location="https://evil.example/")
    assert lab.result(status_of("/x")) == status
    assert lab.peer.accepted == [True, True]  # the token response, and this one


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_connection_of_a_refused_response_is_not_kept(lab: Lab, status: int) -> None:
    lab.peer.answer(status, b"")
    lab.result(raised_by(status_of("/x")))
    lab.peer.answer(200, b"{}")
    lab.result(raised_by(lambda: api.trust_factor(1)))
    assert lab.peer.accepted == [True, False, False]  # the first is the token response


@pytest.mark.parametrize(("error", "code"), [(ProviderTimeout, 504), (ProviderError, 502)])
def test_errors_of_the_transport_pass(lab: Lab, error: type[AltDentifierError], code: int) -> None:
    lab.peer.error = error()
    assert lab.do(status_of("/x")).status_code == code
    assert len(lab.peer.calls) == 1


@pytest.mark.parametrize("status", [401, 500, None])
def test_variables_in_a_traceback_show_no_token(lab: Lab, status: int | None) -> None:
    """As an error tracker records them if the app raises an error of its own instead."""
    lab.peer.error = ProviderTimeout() if status is None else None
    lab.peer.answer(status or 200, b"{}")
    seen: list[str] = []

    def view() -> None:
        try:
            api.get("/x")
        except AltDentifierError as error:
            seen.extend(TracebackException.from_exception(error, capture_locals=True).format())

    lab.do(view)
    assert "api_request" in "".join(seen)
    assert "blablatoken" not in "".join(seen)


# The trust factor

TRUSTED = b'{"trustfactor": 2, "formatted_trustfactor": "Trusted", "new": []}'


def trust_factor(user_id: Any = "123") -> Callable[[], Any]:
    return lambda: (found := api.trust_factor(user_id)) and [found.level, found.text]


def test_trust_factor(lab: Lab) -> None:
    lab.peer.answer(200, TRUSTED)
    assert lab.result(trust_factor(123)) == [2, "Trusted"]
    [(method, target, headers, _)] = lab.peer.calls
    assert (method, target) == ("GET", "/api/v2/user/123/trustfactor")
    assert headers["Authorization"] == "Bearer blablatoken0"


def test_trust_factor_needs_neither_login_nor_request() -> None:
    lab = Lab()
    lab.peer.answer(200, TRUSTED)
    assert lab.result(trust_factor()) == [2, "Trusted"]
    with lab.app.app_context():
        assert api.trust_factor(1) == TrustFactor(2, "Trusted")
    assert all("Authorization" not in headers for _, _, headers, _ in lab.peer.calls)


@pytest.mark.parametrize(
    ("status", "why"), [(401, "LoginRequired"), (403, "InsufficientScope"), (429, "Provider")]
)
def test_trust_factor_can_be_refused_without_a_token(status: int, why: str) -> None:
    lab = Lab()
    lab.peer.answer(status, b"")
    with lab.app.app_context():
        assert raised_by(trust_factor())().startswith(why)
    assert lab.result(raised_by(trust_factor())).startswith(why)


def test_unknown_account_has_no_trust_factor(lab: Lab) -> None:
    lab.peer.answer(404, b"<html>not found</html>")
    assert lab.result(trust_factor()) is None


def test_user_id_must_be_a_discord_id(lab: Lab) -> None:
    assert lab.result(raised_by(trust_factor("1/../2"))) == "ValueError"
    assert lab.peer.calls == []


BODY = '{"trustfactor": %s, "formatted_trustfactor": %s}'
LEVELS, TEXTS = words('null true "1" 1.0 NaN -1 4'), words('null ["x"] "a\\u0000" "\\n" "\\ud800"')


@pytest.mark.parametrize("status", [200, 201, 302, 400])
def test_trust_factor_with_another_status_is_a_provider_error(lab: Lab, status: int) -> None:
    lab.peer.answer(status, TRUSTED)
    why = "nothing" if status == 200 else "ProviderError"
    assert lab.result(raised_by(trust_factor())) == why


@pytest.mark.parametrize(
    "body",
    [
        *("", "<!doctype html>", "[" * 60_000, "null", "[]", "{}"),
        *(BODY % (level, '"x"') for level in LEVELS),
    ],
)
def test_malformed_trust_factor_is_a_provider_error(lab: Lab, body: str) -> None:
    lab.peer.answer(200, body.encode())
    assert lab.result(raised_by(trust_factor())) == "ProviderError"


@pytest.mark.parametrize("text", [*TEXTS, f'"{"x" * (MAX_TEXT + 1)}"'])
def test_text_of_a_trust_factor_is_empty_if_it_cannot_be_shown(lab: Lab, text: str) -> None:
    """Only the level counts."""
    lab.peer.answer(200, (BODY % (1, text)).encode())
    assert lab.result(trust_factor()) == [1, ""]


@pytest.mark.parametrize("level", [0, 3])
def test_longest_text_at_the_lowest_and_highest_level(lab: Lab, level: int) -> None:
    lab.peer.answer(200, (BODY % (level, f'"{"x" * MAX_TEXT}"')).encode())
    assert lab.result(trust_factor()) == [level, "x" * MAX_TEXT]


@pytest.mark.parametrize(
    ("status", "body", "facts"),
    [
        (500, b"", "status 500"),
        (429, b"", "status 429"),
        (200, b"<html>", "status 200, cause InvalidJSON"),
        (201, TRUSTED, "status 201, cause ValueError"),
    ],
)
def test_failed_call_is_logged_with_its_facts(
    lab: Lab, status: int, body: bytes, facts: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flask_altdentifier")
    lab.peer.answer(status, body)
    lab.result(raised_by(trust_factor()))
    assert f"({facts})" in caplog.text
