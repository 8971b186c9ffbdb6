"""`api`: bearer calls as the logged-in user, and trust factors for anyone."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import session
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from flask_altdentifier import ApiResponse, TrustFactor, api, current_grant, logout
from flask_altdentifier.api_client import MAX_TEXT
from flask_altdentifier.errors import AltDentifierError, ProviderError, ProviderTimeout

from .support import (
    PAGE,
    FakeAltDentifier,
    WatchedStore,
    cookies_of,
    log_in,
    make_app,
    query_of,
    reason,
    set_cookies,
    state_of,
)

PEER_TEXT = "text-of-the-peer"


class Peer:
    """A transport that gives a token, and answers all else as a test says."""

    def __init__(self) -> None:
        self.token = FakeAltDentifier()
        self.calls: list[tuple[str, str, dict[str, str], bytes | None]] = []
        self.error: AltDentifierError | None = None
        #: For each response: whether its connection is kept.
        self.kept: list[bool] = []
        self.answer(200, b"{}")

    def answer(self, status: int, data: bytes, **headers: str) -> None:
        self.response = status, {n.replace("_", "-"): v for n, v in headers.items()}, data

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> ApiResponse:
        if target == "/oauth2/token":
            return self.token.request(method, target, headers=headers, body=body)
        self.calls.append((method, target, dict(headers), body))
        if self.error is not None:
            raise self.error
        status, fields, data = self.response
        return ApiResponse(status, Headers(fields), data, self.kept.append)


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


def test_post_sends_json_or_data(lab: Lab) -> None:
    lab.result(lambda: api.post("/x", json={"é": [None, False]}).status)
    lab.result(lambda: api.post("/x", data=b"\x00", headers={"content-type": "a/b"}).status)
    [(method, _, headers, body), (_, _, others, data)] = lab.peer.calls
    assert (method, headers["Content-Type"]) == ("POST", "application/json")
    assert json.loads(body or b"") == {"é": [None, False]}
    assert (data, others["content-type"]) == (b"\x00", "a/b")


@pytest.mark.parametrize("value", [False, 0, "", [], {}])
def test_falsy_json_is_sent(lab: Lab, value: Any) -> None:
    lab.result(status_of("/x", "post", json=value))
    assert lab.peer.calls[0][0] == "POST"
    assert json.loads(lab.peer.calls[0][3] or b"") == value


def test_header_of_the_caller_replaces_the_default(lab: Lab) -> None:
    lab.result(lambda: api.get("/x", headers={"accept": "text/plain"}).status)
    [(_, _, headers, _)] = lab.peer.calls
    assert {name.lower(): value for name, value in headers.items()}["accept"] == "text/plain"
    assert len(headers) == 2


# What is refused before it is sent


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/", "/"),
        ("/a//b", "/a//b"),
        ("/a?b=//c@d:e", "/a?b=//c@d:e"),
        ("/@me", "/@me"),
        ("https://altdentifier.com", "/"),
        ("https://altdentifier.com?a=https://x@y/", "/?a=https://x@y/"),
        ("https://altdentifier.com:443/a?b", "/a?b"),
        ("https://altdentifier.com:/a", "/a"),
        ("HTTPS://AltDentifier.COM:0443/A", "/A"),
    ],
)
def test_path_or_url_of_the_base_url_is_sent(lab: Lab, url: str, target: str) -> None:
    lab.result(status_of(url))
    assert [call[1] for call in lab.peer.calls] == [target]


OTHER_URLS = """api/v2 ?a #a //evil.example/x ///evil.example /\\evil.example /a\\b /a#b
http://altdentifier.com/ ftp://altdentifier.com/ javascript://altdentifier.com/%0aalert(1)
https:altdentifier.com/ https:/altdentifier.com/ https:///altdentifier.com/ https://
https://evil.example/ https://altdentifier.com.evil.example/ https://altdentifier.com./
https://xaltdentifier.com/ https://altdentifier.com:8443/ https://altdentifier.com:80/
https://altdentifier.com:0/ https://altdentifier.com:99999/ https://altdentifier.com:x/
https://user@altdentifier.com/ https://@altdentifier.com/ https://altdentifier.com@evil.example/
https://altdentifier.com\\@evil.example/ https://evil.example\\@altdentifier.com/
https://evil.example#@altdentifier.com/ https://altdentifier%2ecom/ https://[altdentifier.com]/
https://[::1/ https://altdentifier.com//evil.example/ https://altdentifier.com/a#b
https://altdentifier.com#""".split()


@pytest.mark.parametrize(
    "url",
    [*OTHER_URLS, "", "/a b", " /a", "/a\nb", "/\t/evil.example", "/a\x00", "/é", "/\ud800"],
)
def test_other_origin_raises_before_anything_is_sent(lab: Lab, url: str) -> None:
    assert lab.result(raised_by(status_of(url))) == "ValueError"
    assert lab.peer.calls == []


def test_port_of_the_base_url_counts() -> None:
    lab = Lab(ALTDENTIFIER_BASE_URL="http://[::1]:8400")
    log_in(lab.client)
    assert lab.result(status_of("http://[::1]:8400/a")) == 200
    for url in ("http://[::1]/a", "https://[::1]:8400/a", "https://altdentifier.com/a"):
        assert lab.result(raised_by(status_of(url))) == "ValueError"


RESERVED = """Authorization AUTHORIZATION host Content-Length Transfer-Encoding Connection
accept-encoding Expect TE Trailer Upgrade""".split()
MALFORMED = [("", "x"), ("X A", "x"), ("X:", "x"), ("X-é", "x"), ("X-A\r\nHost", "x")]
VALUES = [("X-A", value) for value in ("a\r\nHost: b", "a\n b", "a\x00", "é", "a\tb", 1)]


@pytest.mark.parametrize(
    ("name", "value"), [*((name, "x") for name in RESERVED), *MALFORMED, *VALUES]
)
def test_reserved_or_malformed_header_is_refused(lab: Lab, name: str, value: Any) -> None:
    assert lab.result(raised_by(status_of("/x", headers={name: value}))) == "ValueError"
    assert lab.peer.calls == []


@pytest.mark.parametrize("method", ["", "GET ", "GET /evil", "G\r\nX", "GÉT", "GET\x00", "1"])
def test_malformed_method_is_refused(lab: Lab, method: str) -> None:
    assert lab.result(raised_by(status_of("/x", method))) == "ValueError"
    assert lab.peer.calls == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"json": {}, "data": b""}, "ValueError"),
        ({"json": float("nan")}, "ValueError"),
        ({"json": object()}, "TypeError"),
        ({"data": "text"}, "TypeError"),
    ],
)
def test_malformed_body_is_refused(lab: Lab, options: dict[str, Any], error: str) -> None:
    assert lab.result(raised_by(status_of("/x", "POST", **options))) == error
    assert lab.peer.calls == []


# Without a grant, and its end


def test_nothing_is_sent_without_a_login() -> None:
    lab = Lab()
    response = lab.do(status_of("/x"))
    assert (response.status_code, reason(response)) == (401, "login_required")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert lab.peer.calls == []


def test_nothing_is_sent_after_a_logout(lab: Lab) -> None:
    assert lab.result(lambda: logout() or raised_by(status_of("/x"))()) == "LoginRequired"
    assert lab.peer.calls == []


def test_expired_token_is_not_sent(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_altdentifier.grant.Grant.expired", True)
    assert lab.result(raised_by(status_of("/x"))) == "LoginRequired"
    assert lab.peer.calls == []


def test_login_leads_back_to_a_page(lab: Lab) -> None:
    lab.client.post("/logout")
    page = lab.do(status_of("/x"), headers=PAGE, query_string="a=1")
    assert 'href="/login?next=/do?a%3D1"' in page.text
    assert (lab.do(status_of("/x")).json or {})["login_url"] == "/login"


def test_401_ends_the_grant_for_good(lab: Lab) -> None:
    copy = lab.app.test_client()
    for name, value in cookies_of(lab.client).items():
        copy.set_cookie(name, value)
    lab.peer.answer(401, b"")

    def view() -> list[Any]:
        call = raised_by(status_of("/x"))
        return [bool(current_grant), call(), call(), bool(current_grant)]

    assert lab.result(view) == [True, "LoginRequired", "LoginRequired", False]
    assert len(lab.peer.calls) == 1
    assert lab.client.get("/who").text == copy.get("/who").text == "nobody"


def test_401_leaves_the_session_alone(lab: Lab) -> None:
    lab.do(lambda: session.setdefault("cart", "apples"))
    lab.peer.answer(401, b"")
    assert set_cookies(lab.do(raised_by(status_of("/x")))) == []
    assert lab.client.get("/cart").text == "apples"


def test_401_while_the_store_is_down_is_a_503(lab: Lab) -> None:
    store = lab.app.config["ALTDENTIFIER_STORE"]
    assert isinstance(store, WatchedStore)
    store.failing = {"delete"}
    lab.peer.answer(401, b"")
    assert reason(lab.do(status_of("/x"))) == "store_unavailable"


# What comes back


@pytest.mark.parametrize(
    ("scope", "missing"),
    [
        ("read:user", ["write:integrations"]),
        ("write:integrations", ["read:user"]),
        ("read:user write:integrations", []),
    ],
)
def test_403_is_insufficient_scope(scope: str, missing: list[str]) -> None:
    lab = Lab(ALTDENTIFIER_SCOPE="read:user write:integrations")
    lab.peer.token.token = {"scope": scope}
    log_in(lab.client)
    lab.peer.answer(403, b"")
    response = lab.do(status_of("/x"))
    assert (response.status_code, reason(response)) == (403, "insufficient_scope")
    assert (response.json or {})["missing_scopes"] == missing
    assert lab.client.get("/who").text == "known"


def test_403_leads_to_a_login_that_asks_for_more(lab: Lab) -> None:
    lab.peer.answer(403, b"")
    body = lab.do(status_of("/x")).json or {}
    assert query_of(body["login_url"]) == {"scope": "write:integrations"}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("sent", "passed"), [("120", "120"), (PEER_TEXT, None)])
def test_busy_is_provider_unavailable(
    lab: Lab, status: int, sent: str, passed: str | None
) -> None:
    lab.peer.answer(status, b"", Retry_After=sent)
    response = lab.do(status_of("/x"))
    assert (response.status_code, reason(response)) == (503, "provider_unavailable")
    assert response.headers.get("Retry-After") == passed


@pytest.mark.parametrize("status", [500, 501, 502, 504, 520, 999])
def test_other_5xx_is_provider_error(lab: Lab, status: int) -> None:
    lab.peer.answer(status, b"")
    response = lab.do(status_of("/x"))
    assert (response.status_code, reason(response)) == (502, "provider_error")


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 304, 307, 308, 400, 404, 409, 418])
def test_other_responses_are_returned(lab: Lab, status: int) -> None:
    """A redirect is not followed."""
    lab.peer.answer(status, b"", Location="https://evil.example/")
    assert lab.result(status_of("/x")) == status
    assert lab.peer.kept == [True]


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_connection_of_a_refused_response_is_not_kept(lab: Lab, status: int) -> None:
    lab.peer.answer(status, b"")
    lab.result(raised_by(status_of("/x")))
    lab.peer.answer(200, b"{}")
    lab.result(raised_by(lambda: api.trust_factor(1)))
    assert lab.peer.kept == [False, False]


@pytest.mark.parametrize(("error", "code"), [(ProviderTimeout, 504), (ProviderError, 502)])
def test_errors_of_the_transport_pass(lab: Lab, error: type[AltDentifierError], code: int) -> None:
    lab.peer.error = error()
    assert lab.do(status_of("/x")).status_code == code
    assert len(lab.peer.calls) == 1


@pytest.mark.parametrize("status", [401, 403, 429, 500])
@pytest.mark.parametrize("headers", [PAGE, {}])
def test_nothing_of_the_peer_leaks(
    lab: Lab, status: int, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lab.peer.answer(status, PEER_TEXT.encode(), X_Peer=PEER_TEXT)
    response = lab.do(status_of("/x"), headers=headers)
    seen = response.text + str(response.headers) + caplog.text
    assert PEER_TEXT not in seen
    assert "blablatoken" not in seen
    [record] = [r for r in caplog.records if r.name == "flask_altdentifier"]
    assert record.levelname == ("INFO" if status < 429 else "WARNING")


# The trust factor

TRUSTED = b'{"trustfactor": 2, "formatted_trustfactor": "Trusted", "new": []}'


def trust_factor(user_id: Any = "123") -> Callable[[], Any]:
    def view() -> Any:
        found = api.trust_factor(user_id)
        return None if found is None else [found.level, found.text]

    return view


@pytest.mark.parametrize("user_id", ["123", 123, "0", "1" * 20])
def test_trust_factor(lab: Lab, user_id: str | int) -> None:
    lab.peer.answer(200, TRUSTED)
    assert lab.result(trust_factor(user_id)) == [2, "Trusted"]
    [(method, target, headers, _)] = lab.peer.calls
    assert (method, target) == ("GET", f"/api/v2/user/{user_id}/trustfactor")
    assert headers["Authorization"] == "Bearer blablatoken0"


def test_trust_factor_needs_neither_login_nor_request() -> None:
    lab = Lab()
    lab.peer.answer(200, TRUSTED)
    assert lab.result(trust_factor()) == [2, "Trusted"]
    with lab.app.app_context():
        assert api.trust_factor(1) == TrustFactor(2, "Trusted")
    assert all("Authorization" not in headers for _, _, headers, _ in lab.peer.calls)


@pytest.mark.parametrize(
    ("status", "why"), [(401, "LoginRequired"), (403, "InsufficientScope"), (429, "Prov")]
)
def test_trust_factor_is_refused_without_a_token(status: int, why: str) -> None:
    lab = Lab()
    lab.peer.answer(status, b"")
    with lab.app.app_context():
        assert raised_by(lambda: api.trust_factor(1))().startswith(why)
    assert lab.result(raised_by(trust_factor())).startswith(why)


def test_unknown_account_has_no_trust_factor(lab: Lab) -> None:
    lab.peer.answer(404, b"<html>not found</html>")
    assert lab.result(trust_factor()) is None


@pytest.mark.parametrize(
    "user_id", ["", "x", "1" * 21, "-1", -1, "1/../2", "1?a", "%31", "1\n", "٣", True, None, 1.0]
)
def test_user_id_must_be_a_discord_id(lab: Lab, user_id: Any) -> None:
    assert lab.result(raised_by(trust_factor(user_id))) == "ValueError"
    assert lab.peer.calls == []


BODY = '{"trustfactor": %s, "formatted_trustfactor": %s}'


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!doctype html>",
        "[" * 60_000,
        "null",
        "[]",
        "{}",
        '{"trustfactor": 1}',
        *(BODY % (level, '"x"') for level in ("null", "true", '"1"', "1.0", "NaN", "-1", "4")),
        *(BODY % (1, text) for text in ("null", '["x"]', '"a\\u0000"', '"a\\n"', '"\\ud800"')),
        BODY % (1, f'"{"x" * (MAX_TEXT + 1)}"'),
    ],
)
def test_malformed_trust_factor_is_a_provider_error(lab: Lab, body: str) -> None:
    lab.peer.answer(200, body.encode())
    assert lab.result(raised_by(trust_factor())) == "ProviderError"


@pytest.mark.parametrize("status", [201, 204, 302, 400])
def test_trust_factor_with_another_status_is_a_provider_error(
    lab: Lab, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    lab.peer.answer(status, TRUSTED)
    assert lab.result(raised_by(trust_factor())) == "ProviderError"
    assert f"status {status}" in caplog.text


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.fixed_dictionaries({"trustfactor": JSON, "formatted_trustfactor": JSON}))
def test_any_body_is_a_trust_factor_or_a_provider_error(body: dict[str, Any]) -> None:
    lab = Lab()
    lab.peer.answer(200, json.dumps(body).encode())
    with lab.app.app_context():
        assert raised_by(lambda: api.trust_factor(1))() in {"nothing", "ProviderError"}


def test_api_keeps_nothing() -> None:
    with pytest.raises(AttributeError):
        api.token = "x"  # type: ignore[attr-defined]
