"""`api`: bearer calls as the user who is logged in."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cachelib import SimpleCache
from flask import Flask, session
from flask.testing import FlaskClient
from flask_session import Session
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict
from werkzeug.test import TestResponse

from flask_altdentifier import blueprint, current_grant, logout
from flask_altdentifier.api import API, MAX_TEXT, TrustFactor, api
from flask_altdentifier.errors import (
    AltDentifierError,
    InsufficientScope,
    LoginRequired,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    StoreUnavailable,
)
from flask_altdentifier.transport import Response

PAGE = {"Accept": "text/html"}
SECRET_TEXT = "what-the-peer-wrote"


class Peer:
    """Stands where the transport stands: gives a token, and else what a test says."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, str], bytes | None]] = []
        self.answer(200, b"{}")
        self.scope: str = "read:user"
        self.error: AltDentifierError | None = None

    def answer(self, status: int, data: bytes, **headers: str) -> None:
        """Answer the next calls so."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response = Response(status, HTTPHeaderDict(fields), data)

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        """Send nothing."""
        if target == "/oauth2/token":
            token = {"access_token": "the-token", "token_type": "Bearer", "scope": self.scope}
            return Response(200, HTTPHeaderDict(), json.dumps(token).encode())
        self.calls.append((method, target, dict(headers), body))
        if self.error is not None:
            raise self.error
        return self.response


class Lab:
    """An app whose one view does what a test tells it to, a browser, and a peer."""

    def __init__(self, **config: Any) -> None:
        self.app = Flask("lab")
        self.app.testing = True
        self.cache = SimpleCache(threshold=100_000)
        self.app.config.update(
            SESSION_TYPE="cachelib",
            SESSION_CACHELIB=SimpleCache(threshold=100_000),
            ALTDENTIFIER_STORE=self.cache,
            ALTDENTIFIER_CLIENT_ID="the-client",
            ALTDENTIFIER_CLIENT_SECRET="the-secret",
            **config,
        )
        Session(self.app)
        self.app.register_blueprint(blueprint)
        self.peer = Peer()
        self.app.extensions["altdentifier"].transport = self.peer
        self.client = self.app.test_client()
        self.app.add_url_rule(
            "/do", "do", lambda: {"result": self._view()}, methods=["GET", "POST"]
        )
        self._view: Callable[[], Any] = lambda: None

    def log_in(self, scope: str = "read:user") -> FlaskClient:
        """Log the browser in."""
        self.peer.scope = scope
        location = self.client.get("/login").location
        state = parse_qs(urlsplit(str(location)).query)["state"][0]
        response = self.client.get(f"/callback?code=a-code&state={state}")
        assert response.status_code == 303
        return self.client

    def do(self, view: Callable[[], Any], **options: Any) -> TestResponse:
        """Run *view* in a request of the browser."""
        self._view = view
        return self.client.get("/do", **options)

    def result(self, view: Callable[[], Any]) -> Any:
        """Return what *view* returns in a request of the browser."""
        response = self.do(view)
        assert response.status_code == 200, response.text
        return response.json["result"] if response.json else None


@pytest.fixture
def lab() -> Lab:
    """A lab whose browser is logged in."""
    lab = Lab()
    lab.log_in()
    return lab


def status_of(url: str, method: str = "GET", **options: Any) -> Callable[[], int]:
    """Return a view that makes one call and returns its status."""
    return lambda: api.request(method, url, **options).status


def raised(view: Callable[[], Any]) -> Callable[[], list[str]]:
    """Return a view that tells what *view* raises: its class and its text."""

    def run() -> list[str]:
        try:
            return ["nothing", str(view())]
        except (AltDentifierError, ValueError, TypeError) as problem:
            return [type(problem).__name__, str(problem)]

    return run


# --- what is sent


def test_a_call_carries_the_token(lab: Lab) -> None:
    """A call is a bearer call for JSON with the grant of the browser that is served."""
    assert lab.result(status_of("/api/v2/thing?a=1&b=%20")) == 200
    assert lab.peer.calls == [
        (
            "GET",
            "/api/v2/thing?a=1&b=%20",
            {"Accept": "application/json", "Authorization": "Bearer the-token"},
            None,
        )
    ]


def test_the_response_is_whole(lab: Lab) -> None:
    """Status, headers, body and JSON value of the response are at hand."""
    lab.peer.answer(418, b'{"a": [1]}', X_Thing="yes")

    def view() -> list[Any]:
        response = api.get("/x")
        return [response.status, response.headers["x-thing"], len(response.data), response.json()]

    assert lab.result(view) == [418, "yes", 10, {"a": [1]}]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_method_has_a_function(lab: Lab, method: str) -> None:
    """`get`, `post`, `put`, `patch` and `delete` send what their name says."""
    lab.result(lambda: getattr(api, method)("/x", headers={"X-A": "1"}).status)
    [(sent, target, headers, body)] = lab.peer.calls
    assert (sent, target, headers["X-A"], body) == (method.upper(), "/x", "1", None)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_json_goes_as_json(lab: Lab, method: str) -> None:
    """What is given as `json` is sent as JSON, and its type is named."""
    lab.result(lambda: getattr(api, method)("/x", json={"é": [None, False]}).status)
    [(_, _, headers, body)] = lab.peer.calls
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body or b"") == {"é": [None, False]}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_data_goes_as_it_is(lab: Lab, method: str) -> None:
    """What is given as `data` is sent as it is; the caller names its type."""
    options: Any = {"data": b"\x00\xff", "headers": {"content-type": "a/b"}}
    lab.result(lambda: getattr(api, method)("/x", **options).status)
    [(_, _, headers, body)] = lab.peer.calls
    assert (headers["content-type"], body) == ("a/b", b"\x00\xff")


@pytest.mark.parametrize("value", [False, 0, "", [], {}])
def test_false_json_is_sent(lab: Lab, value: Any) -> None:
    """A JSON value that Python takes for false is a body like any other."""
    lab.result(status_of("/x", "POST", json=value))
    assert json.loads(lab.peer.calls[0][3] or b"") == value


def test_own_accept_and_type_win(lab: Lab) -> None:
    """A caller's header takes the place of the default, in any case, and does not stand beside."""
    headers = {"accept": "text/plain", "content-type": "application/x+json"}
    lab.result(status_of("/x", "POST", json={}, headers=headers))
    sent = lab.peer.calls[0][2]
    assert {name.lower(): value for name, value in sent.items()} == {
        "accept": "text/plain",
        "content-type": "application/x+json",
        "authorization": "Bearer the-token",
    }
    assert len(sent) == 3


def test_a_method_in_small_letters_is_sent_in_capitals(lab: Lab) -> None:
    """Methods are sent in capitals."""
    lab.result(status_of("/x", "report"))
    assert lab.peer.calls[0][0] == "REPORT"


# --- what is refused before it is sent


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("/", "/"),
        ("/a//b", "/a//b"),
        ("/a?b=//c@d:e", "/a?b=//c@d:e"),
        ("/@me", "/@me"),
        ("/a/../b", "/a/../b"),
        ("https://altdentifier.com", "/"),
        ("https://altdentifier.com/", "/"),
        ("https://altdentifier.com?a=https://x@y/", "/?a=https://x@y/"),
        ("https://altdentifier.com:443/a?b", "/a?b"),
        ("https://altdentifier.com:/a", "/a"),
        ("HTTPS://AltDentifier.COM:0443/A", "/A"),
    ],
)
def test_the_provider_is_reached(lab: Lab, url: str, target: str) -> None:
    """A path, or any spelling of the provider's origin, goes to that path."""
    lab.result(status_of(url))
    assert [call[1] for call in lab.peer.calls] == [target]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api/v2",
        "?a",
        "#a",
        "//evil.example/x",
        "///evil.example",
        "/\\evil.example",
        "/a\\b",
        "\\/evil.example",
        "/a#b",
        "/a b",
        "/a\nb",
        "/a\r\nHost: evil.example",
        "/\t/evil.example",
        " /a",
        "/a\x00",
        "/a\x7f",
        "/é",
        "/\ud800",
        "http://altdentifier.com/",
        "ftp://altdentifier.com/",
        "javascript://altdentifier.com/%0aalert(1)",
        "https:altdentifier.com/",
        "https:/altdentifier.com/",
        "https:///altdentifier.com/",
        "https://",
        "https://evil.example/",
        "https://altdentifier.com.evil.example/",
        "https://altdentifier.com./",
        "https://xaltdentifier.com/",
        "https://api.altdentifier.com/",
        "https://altdentifier.com:8443/",
        "https://altdentifier.com:80/",
        "https://altdentifier.com:0/",
        "https://altdentifier.com:99999/",
        "https://altdentifier.com:x/",
        "https://user@altdentifier.com/",
        "https://user:password@altdentifier.com/",
        "https://@altdentifier.com/",
        "https://altdentifier.com@evil.example/",
        "https://altdentifier.com\\@evil.example/",
        "https://evil.example\\@altdentifier.com/",
        "https://evil.example#@altdentifier.com/",
        "https://altdentifier.com\\.evil.example/",
        "https://altdentifier%2ecom/",
        "https://altdentifier.com%00.evil.example/",
        "https://[altdentifier.com]/",
        "https://[::1/",
        "https://altdentifier.com//evil.example/",
        "https://altdentifier.com/a#b",
        "https://altdentifier.com#",
        "https://altdentifier.com/a\r\nX-A: b",
        "https://аltdentifier.com/",  # noqa: RUF001  the first letter is Cyrillic
    ],
)
def test_all_else_is_refused_unsent(lab: Lab, url: str) -> None:
    """Another origin, however disguised, raises `ValueError` before anything is sent."""
    assert lab.result(raised(status_of(url)))[0] in {"ValueError", "UnicodeEncodeError"}
    assert lab.peer.calls == []


PIECES = st.sampled_from(
    ("https", "http", "HTTPS", "altdentifier.com", "evil.example", ":443", "%2f", "//", "a")
) | st.sampled_from(":/\\@#?.[] \t\n\r\0é\u2100")


@settings(deadline=None)
@given(st.lists(PIECES, max_size=9).map("".join) | st.text(max_size=30))
def test_any_text_is_a_target_or_refused(url: str) -> None:
    """No text makes anything but a clean path of the provider's origin, or a `ValueError`."""
    try:
        lab = LAB.result(lambda: [api.get(url).status])
    except ValueError:
        assert LAB.peer.calls == []
        return
    [(_, target, _, _)] = LAB.peer.calls
    LAB.peer.calls.clear()
    assert lab == [200]
    assert target.isascii()
    assert target.isprintable()
    assert target.startswith("/")
    assert not target.startswith("//")
    assert not set(target) & set("\\# ")
    assert url.startswith("/") or url.lower().startswith("https://altdentifier.com")


LAB = Lab()
LAB.log_in()


def test_a_base_url_with_a_port_is_the_only_one() -> None:
    """With a sandbox as `BASE_URL`, its port counts, and IPv6 addresses are understood."""
    lab = Lab(ALTDENTIFIER_BASE_URL="http://[::1]:8400")
    lab.log_in()
    assert lab.result(status_of("http://[::1]:8400/a")) == 200
    for url in ("http://[::1]/a", "https://[::1]:8400/a", "https://altdentifier.com/a"):
        name, text = lab.result(raised(status_of(url)))
        assert name == "ValueError"
        assert "http://[::1]:8400" in text


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "AUTHORIZATION",
        "host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "accept-encoding",
        "Expect",
        "TE",
        "Trailer",
        "Upgrade",
    ],
)
def test_headers_of_ours_are_refused(lab: Lab, name: str) -> None:
    """No caller sets the token, the host or the framing of a request."""
    problem = lab.result(raised(status_of("/x", headers={name: "x"})))
    assert problem == ["ValueError", f"the header {name} is not for the caller to set"]
    assert lab.peer.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"": "x"},
        {"X A": "x"},
        {"X:": "x"},
        {"Host ": "x"},
        {"X-A\r\nHost": "x"},
        {"X-é": "x"},
        {"X-A": "a\r\nHost: evil.example"},
        {"X-A": "a\n b"},
        {"X-A": "a\x00"},
        {"X-A": "é"},
        {"X-A": "a\tb"},
    ],
)
def test_malformed_headers_are_refused(lab: Lab, headers: dict[str, str]) -> None:
    """A header cannot hold a line break, a control character or one that is not ASCII."""
    assert lab.result(raised(status_of("/x", headers=headers)))[0] == "ValueError"
    assert lab.peer.calls == []


@settings(deadline=None)
@given(st.text(max_size=10), st.text(max_size=10))
def test_any_header_is_clean_or_refused(name: str, value: str) -> None:
    """No text makes a header line that ends early."""
    try:
        LAB.result(lambda: api.get("/x", headers={name: value}).status)
    except ValueError:
        assert LAB.peer.calls == []
        return
    [(_, _, headers, _)] = LAB.peer.calls
    LAB.peer.calls.clear()
    assert headers["Authorization"] == "Bearer the-token"
    assert all((line := f"{k}: {v}").isascii() and line.isprintable() for k, v in headers.items())


@pytest.mark.parametrize("method", ["", "GET ", "GET /evil", "G\r\nX", "GÉT", "GET\x00", "1"])
def test_odd_methods_are_refused(lab: Lab, method: str) -> None:
    """A method is a word, so it cannot bring a line of its own."""
    assert lab.result(raised(status_of("/x", method)))[0] == "ValueError"
    assert lab.peer.calls == []


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"json": {}, "data": b""}, "ValueError"),
        ({"json": float("nan")}, "ValueError"),
        ({"json": object()}, "TypeError"),
        ({"data": "text"}, "TypeError"),
        ({"data": {"a": "b"}}, "TypeError"),
    ],
)
def test_odd_bodies_are_refused(lab: Lab, options: dict[str, Any], name: str) -> None:
    """Two bodies, or one that is neither JSON nor bytes, are refused."""
    assert lab.result(raised(status_of("/x", "POST", **options)))[0] == name
    assert lab.peer.calls == []


# --- without a grant, and its end


def test_without_a_grant_nothing_is_sent() -> None:
    """Without a login a call raises `LoginRequired`, and the answer is the usual 401."""
    lab = Lab()
    response = lab.do(status_of("/x"))
    assert response.status_code == 401
    assert json.loads(response.text)["reason"] == "login_required"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert lab.peer.calls == []


def test_after_logout_nothing_is_sent(lab: Lab) -> None:
    """A view that has logged out can call no more."""

    def view() -> list[str]:
        logout()
        return raised(status_of("/x"))()

    assert lab.result(view)[0] == "LoginRequired"
    assert lab.peer.calls == []


def test_an_expired_grant_is_not_sent(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that has ended is not sent any more."""
    monkeypatch.setattr("flask_altdentifier.grant.Grant.expired", True)
    assert lab.result(raised(status_of("/x")))[0] == "LoginRequired"
    assert lab.peer.calls == []


def test_a_page_is_told_how_to_come_back() -> None:
    """A page that needs a call leads to a login that leads back to it; a program is told none."""
    lab = Lab()
    page = lab.do(status_of("/x"), headers=PAGE, query_string="a=1")
    assert page.status_code == 401
    assert "/login?next=/do?a%3D1" in page.text
    assert json.loads(lab.do(status_of("/x")).text)["login_url"] == "/login"


def test_a_401_ends_the_grant_for_good(lab: Lab) -> None:
    """A 401 of the API ends the grant in this request, in the next, and in an old cookie jar."""
    jar = lab.app.test_client()
    for cookie in lab.client._cookies.values():  # type: ignore[union-attr]
        jar.set_cookie(cookie.key, cookie.value)
    lab.peer.answer(401, SECRET_TEXT.encode())

    def view() -> list[Any]:
        before = bool(current_grant)
        problem = raised(status_of("/x"))()
        again = raised(status_of("/x"))()
        return [before, problem[0], again[0], bool(current_grant)]

    assert lab.result(view) == [True, "LoginRequired", "LoginRequired", False]
    assert len(lab.peer.calls) == 1
    lab.peer.answer(200, b"{}")
    lab._view = lambda: bool(current_grant)
    assert lab.client.get("/do").json == {"result": False}
    assert jar.get("/do").json == {"result": False}


def test_a_401_touches_neither_cookies_nor_session(lab: Lab) -> None:
    """The end of a grant by the API sets no cookie and does not touch the session."""
    lab.peer.answer(401, b"")
    lab.do(lambda: session.setdefault("cart", "full"))
    lab.app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    response = lab.do(raised(status_of("/x")))
    assert '"LoginRequired"' in response.text
    assert "Set-Cookie" not in response.headers
    assert lab.result(lambda: session["cart"]) == "full"


def test_a_401_with_the_store_down_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store cannot drop the grant, it is the store that fails, not the login."""
    lab.peer.answer(401, b"")

    def fail(*_: Any) -> bool:
        raise OSError

    monkeypatch.setattr(lab.cache, "delete", fail)
    assert lab.result(raised(status_of("/x")))[0] == StoreUnavailable.__name__
    response = lab.do(status_of("/x"))
    assert response.status_code == 503
    assert json.loads(response.text)["reason"] == "store_unavailable"


# --- what comes back


@pytest.mark.parametrize(
    ("scope", "missing"),
    [
        ("read:user", ["write:integrations"]),
        ("write:integrations", ["read:user"]),
        ("read:user write:integrations", []),
    ],
)
def test_a_403_is_insufficient_scope(scope: str, missing: list[str]) -> None:
    """A 403 tells which of the two known scopes the grant lacks, perhaps none; the grant lives."""
    lab = Lab(ALTDENTIFIER_SCOPE="read:user write:integrations")
    lab.log_in(scope)
    lab.peer.answer(403, SECRET_TEXT.encode())
    response = lab.do(status_of("/x"))
    problem = json.loads(response.text)
    assert (response.status_code, problem["reason"]) == (403, InsufficientScope.reason)
    assert problem["missing_scopes"] == missing
    assert lab.result(lambda: bool(current_grant)) is True


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "passed"),
    [
        ({"Retry_After": "120"}, "120"),
        ({"Retry_After": "Tue, 24 Nov 2026 12:00:00 GMT"}, "Tue, 24 Nov 2026 12:00:00 GMT"),
        ({"Retry_After": SECRET_TEXT}, None),
        ({}, None),
    ],
)
def test_busy_says_when_to_come_back(
    lab: Lab, status: int, header: dict[str, str], passed: str | None
) -> None:
    """429 and 503 are `ProviderUnavailable`, with Retry-After where it is sound."""
    lab.peer.answer(status, SECRET_TEXT.encode(), **header)
    response = lab.do(status_of("/x"))
    assert response.status_code == 503
    assert json.loads(response.text)["reason"] == ProviderUnavailable.reason
    assert response.headers.get("Retry-After") == passed


@pytest.mark.parametrize("status", [500, 501, 502, 504, 520, 599, 999])
def test_other_failures_are_provider_errors(lab: Lab, status: int) -> None:
    """Any other status from 500 on is `ProviderError`."""
    lab.peer.answer(status, SECRET_TEXT.encode())
    response = lab.do(status_of("/x"))
    assert response.status_code == 502
    assert json.loads(response.text)["reason"] == ProviderError.reason


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 304, 307, 308, 400, 404, 409, 418])
def test_all_else_is_returned(lab: Lab, status: int) -> None:
    """Other answers are the caller's to judge; a redirect is not followed."""
    lab.peer.answer(status, b"", Location="https://evil.example/")
    assert lab.result(status_of("/x")) == status
    assert len(lab.peer.calls) == 1


@pytest.mark.parametrize(("error", "code"), [(ProviderTimeout, 504), (ProviderError, 502)])
def test_the_transports_errors_pass(lab: Lab, error: type[AltDentifierError], code: int) -> None:
    """What the transport raises is the answer; the call is sent once."""
    lab.peer.error = error()
    assert lab.do(status_of("/x")).status_code == code
    assert len(lab.peer.calls) == 1


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("headers", [PAGE, {}])
def test_nothing_of_the_peer_leaks(
    lab: Lab, status: int, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither page, problem nor log has the token or text of the peer; the log has a reason."""
    caplog.set_level(logging.DEBUG)
    lab.peer.answer(status, SECRET_TEXT.encode(), X_Peer=SECRET_TEXT)
    response = lab.do(status_of("/x"), headers=headers)
    seen = response.text + str(response.headers) + caplog.text
    assert SECRET_TEXT not in seen
    assert "the-token" not in seen
    [record] = [r for r in caplog.records if r.name == "flask_altdentifier"]
    assert record.getMessage().startswith("A call to AltDentifier's API failed: ")
    assert record.levelname == ("INFO" if status < 429 else "WARNING")


# --- the trust factor


def trust_factor(user_id: Any = "123") -> Callable[[], Any]:
    """Return a view that asks for the trust factor of an account."""

    def view() -> Any:
        found = api.trust_factor(user_id)
        return None if found is None else [found.level, found.text]

    return view


@pytest.mark.parametrize("user_id", ["123", 123, "0", "1" * 20])
def test_trust_factor(lab: Lab, user_id: str | int) -> None:
    """A trust factor is a level and AltDentifier's words for it."""
    lab.peer.answer(200, b'{"trustfactor": 2, "formatted_trustfactor": "Trusted", "new": []}')
    assert lab.result(trust_factor(user_id)) == [2, "Trusted"]
    assert lab.peer.calls[0][:2] == ("GET", f"/api/v2/user/{user_id}/trustfactor")


def test_trust_factor_is_frozen() -> None:
    """A trust factor is a value."""
    assert TrustFactor(1, "x") == TrustFactor(1, "x")
    with pytest.raises(AttributeError):
        TrustFactor(1, "x").level = 2  # type: ignore[misc]


def test_the_api_keeps_nothing() -> None:
    """`api` has no room for anything of an app or a user."""
    with pytest.raises(AttributeError):
        api.token = "x"  # type: ignore[attr-defined]
    assert isinstance(api, API)


def test_trust_factor_of_nobody_is_none(lab: Lab) -> None:
    """An account that AltDentifier does not know has no trust factor."""
    lab.peer.answer(404, b"<html>not found</html>")
    assert lab.result(trust_factor()) is None


@pytest.mark.parametrize(
    "user_id",
    ["", "x", "1" * 21, "-1", -1, "1/../2", "1?a", "1#", "%31", "1\n", " 1", "٣", True, None, 1.0],
)
def test_only_snowflakes_get_into_the_path(lab: Lab, user_id: Any) -> None:
    """What is no snowflake does not get into the path."""
    assert lab.result(raised(trust_factor(user_id)))[0] == "ValueError"
    assert lab.peer.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>502</title>",
        b"\xff\xfe",
        b"[" * 60_000,
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b'{"trustfactor": 1}',
        b'{"formatted_trustfactor": "x"}',
        b'{"trustfactor": null, "formatted_trustfactor": "x"}',
        b'{"trustfactor": true, "formatted_trustfactor": "x"}',
        b'{"trustfactor": "1", "formatted_trustfactor": "x"}',
        b'{"trustfactor": 1.0, "formatted_trustfactor": "x"}',
        b'{"trustfactor": NaN, "formatted_trustfactor": "x"}',
        b'{"trustfactor": -1, "formatted_trustfactor": "x"}',
        b'{"trustfactor": 4, "formatted_trustfactor": "x"}',
        b'{"trustfactor": 1' + b"0" * 5000 + b', "formatted_trustfactor": "x"}',
        b'{"trustfactor": 1, "formatted_trustfactor": null}',
        b'{"trustfactor": 1, "formatted_trustfactor": ["x"]}',
        b'{"trustfactor": 1, "formatted_trustfactor": "a\\u0000"}',
        b'{"trustfactor": 1, "formatted_trustfactor": "a\\n"}',
        b'{"trustfactor": 1, "formatted_trustfactor": "\\ud800"}',
        b'{"trustfactor": 1, "formatted_trustfactor": "\\u202ex"}',
        b'{"trustfactor": 1, "formatted_trustfactor": "%s"}' % (b"x" * (MAX_TEXT + 1)),
    ],
)
def test_no_trust_factor_is_a_provider_error(
    lab: Lab, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """HTML, another type, a level out of range or text that would break a page is refused."""
    lab.peer.answer(200, body)
    assert lab.result(raised(trust_factor())) == ["ProviderError", str(ProviderError())]
    assert "A call to AltDentifier's API failed: provider_error." in caplog.text


@pytest.mark.parametrize("status", [201, 204, 302, 400, 418])
def test_trust_factor_takes_no_other_status(lab: Lab, status: int) -> None:
    """Only 200 brings a trust factor."""
    lab.peer.answer(status, b'{"trustfactor": 1, "formatted_trustfactor": "x"}')
    assert lab.result(raised(trust_factor()))[0] == "ProviderError"


def test_trust_factor_needs_a_login() -> None:
    """Without a login the trust factor is not asked for."""
    lab = Lab()
    assert lab.result(raised(trust_factor()))[0] == LoginRequired.__name__
    assert lab.peer.calls == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries({"trustfactor": JSON, "formatted_trustfactor": JSON}).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_any_body_is_a_trust_factor_or_a_provider_error(body: bytes) -> None:
    """No body gets through that is no trust factor, and none makes another error."""
    LAB.peer.answer(200, body)
    found = LAB.result(raised(trust_factor()))
    LAB.peer.calls.clear()
    assert found[0] in {"nothing", "ProviderError"}
    if found[0] == "nothing":
        members = json.loads(body)
        assert found[1] == str([members["trustfactor"], members["formatted_trustfactor"]])


def test_import_is_light() -> None:
    """Who only imports `api` imports neither urllib3 nor Authlib."""
    code = (
        "import flask_altdentifier.api, sys; "
        "print([name for name in ('urllib3', 'authlib', 'requests') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
