"""The OAuth client, in front of a transport that responds as a test wants."""

from __future__ import annotations

import json
import logging
import string
import time
from base64 import b64decode
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from werkzeug.datastructures import Headers

from flask_altdentifier.errors import (
    AltDentifierError,
    ClientCredentialsRejected,
    CodeRejected,
    ProviderError,
    ProviderUnavailable,
)
from flask_altdentifier.grant import Grant
from flask_altdentifier.http.response import ApiResponse
from flask_altdentifier.oauth.client import OAuthClient

TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 60, "scope": "read:user"}
SCOPE = frozenset({"read:user", "write:integrations"})
USED = {"error": "invalid_grant"}
UNKNOWN_ERRORS = [{"error": "Cannot grant token"}, {"error": ["invalid_client"]}, b"<html>", b"[1]"]


class FakeTransport:
    """Responds to every request with one response, and records whether it was accepted."""

    def __init__(self, status: int = 200, body: Any = TOKEN, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.is_accepted = False
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.response = ApiResponse(status, Headers(named), data)
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str]]] = []

    def request(
        self, method: str, target: str, *, headers: Any, body: bytes | None, read: Any
    ) -> Any:
        form = dict(parse_qsl((body or b"").decode(), strict_parsing=True))
        self.requests.append((method, target, dict(headers), form))
        result = read(self.response)
        self.is_accepted = True
        return result


def client_of(transport: FakeTransport, **options: str) -> OAuthClient:
    values = {
        "client_id": "the id",
        "client_secret": "the secret",
        "base_url": "https://altdentifier.com",
        "token_auth_method": "client_secret_post",
    }
    return OAuthClient(**(values | options), transport=transport)


def exchange(transport: FakeTransport, **options: str) -> Grant:
    return client_of(transport, **options).exchange_code(
        "the code",
        redirect_uri="https://example.com/callback",
        code_verifier=None,
        requested_scope=SCOPE,
    )


# The authorization request


def authorization_query(**values: Any) -> dict[str, list[str]]:
    """Return the query of an authorization URL."""
    options = {"code_verifier": None, "guild_id": None} | values
    url = client_of(FakeTransport()).authorization_url(
        redirect_uri="https://example.com/callback?a=b", scope=SCOPE, state="the-state", **options
    )
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "altdentifier.com")
    assert parts.path == "/oauth2/authorize"
    assert "+" not in parts.query
    return parse_qs(parts.query, strict_parsing=True)


BASIC_QUERY = {
    "client_id": ["the id"],
    "response_type": ["code"],
    "redirect_uri": ["https://example.com/callback?a=b"],
    "scope": ["read:user write:integrations"],
    "state": ["the-state"],
}


def test_authorization_url() -> None:
    """It has the five parameters of RFC 6749, and spaces as %20."""
    assert authorization_query() == BASIC_QUERY


def test_authorization_url_with_pkce_and_guild() -> None:
    """The challenge is the one of RFC 7636 appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert authorization_query(code_verifier=verifier, guild_id="7") == BASIC_QUERY | {
        "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
        "code_challenge_method": ["S256"],
        "guild_id": ["7"],
    }


# The token request


def test_token_request_with_post() -> None:
    transport = FakeTransport()
    exchange(transport)
    [(method, target, headers, form)] = transport.requests
    assert (method, target) == ("POST", "/oauth2/token")
    assert headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert "Authorization" not in headers
    assert form == {
        "grant_type": "authorization_code",
        "code": "the code",
        "redirect_uri": "https://example.com/callback",
        "client_id": "the id",
        "client_secret": "the secret",
    }


def test_token_request_with_basic() -> None:
    transport = FakeTransport()
    exchange(transport, client_secret=" +:%/", token_auth_method="client_secret_basic")
    exchange(transport)
    (_, _, headers, form), (_, _, later_headers, _) = transport.requests
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"the%20id:%20%2B%3A%25%2F"
    assert not {"client_id", "client_secret"} & set(form)
    assert "Authorization" not in later_headers


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_any_printable_character_arrives(method: str) -> None:
    text = string.digits + string.ascii_letters + string.punctuation + " "
    transport = FakeTransport()
    client_of(transport, client_secret=text, token_auth_method=method).exchange_code(
        text, redirect_uri="https://e/c", code_verifier="verifier", requested_scope=SCOPE
    )
    [(_, _, headers, form)] = transport.requests
    basic = b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode()
    secret = form.get("client_secret", unquote(basic.partition(":")[2]))
    assert (form["code"], form["code_verifier"], secret) == (text, "verifier", text)


# The token response


def test_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lifetime counts from when the request was sent."""
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    transport = FakeTransport(body=TOKEN | {"refresh_token": "r"})
    assert exchange(transport) == Grant(
        access_token="t",
        refresh_token="r",
        scope=frozenset({"read:user"}),
        requested_scope=SCOPE,
        expires_at=datetime.fromtimestamp(1060, timezone.utc),
    )
    assert transport.is_accepted


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (None, SCOPE),
        ("", frozenset()),
        ("read:user", {"read:user"}),
        ("admin read:user", {"read:user"}),
    ],
)
def test_granted_scope(scope: str | None, granted: set[str]) -> None:
    assert exchange(FakeTransport(body=TOKEN | {"scope": scope})).scope == granted


@pytest.mark.parametrize(
    ("status", "body", "expected", "oauth_error"),
    [
        *[(400, body, CodeRejected, None) for body in UNKNOWN_ERRORS],
        *[(status, USED, CodeRejected, "invalid_grant") for status in (400, 401, 403, 499)],
        (400, {"error": "invalid_request"}, CodeRejected, "invalid_request"),
        (400, {"error": "invalid_scope"}, CodeRejected, "invalid_scope"),
        (400, {"error": "invalid_client"}, ClientCredentialsRejected, "invalid_client"),
        (400, {"error": "unauthorized_client"}, ClientCredentialsRejected, "unauthorized_client"),
        (401, {"error": "Provided client credentials"}, ClientCredentialsRejected, None),
        (401, b"", ClientCredentialsRejected, None),
        (403, {"error": "invalid_client"}, ProviderError, "invalid_client"),
        (404, b"", ProviderError, None),
        (429, USED, ProviderUnavailable, "invalid_grant"),
        (503, {"error": "server_error"}, ProviderUnavailable, "server_error"),
        (500, USED, ProviderError, "invalid_grant"),
        *[(status, TOKEN, ProviderError, None) for status in (201, 204, 302)],
    ],
)
def test_refused_response(
    status: int, body: Any, expected: type[AltDentifierError], oauth_error: str | None
) -> None:
    """Each response has its error, with the facts, and its connection is not kept."""
    transport = FakeTransport(status, body)
    with pytest.raises(expected) as caught:
        exchange(transport)
    assert type(caught.value) is expected
    assert caught.value.facts.startswith(f"{expected.reason} (status {status}")
    assert getattr(caught.value, "oauth_error") == oauth_error  # noqa: B009
    assert not transport.is_accepted


@pytest.mark.parametrize(
    ("body", "cause", "oauth_error"),
    [
        (b"<html>", "InvalidJSON", None),
        ({}, "InvalidTokenResponse", None),
        ({"error": "invalid_grant"}, "InvalidTokenResponse", "invalid_grant"),
    ],
)
def test_invalid_token_response(body: Any, cause: str, oauth_error: str | None) -> None:
    """Status 200 alone does not make a token response."""
    transport = FakeTransport(body=body)
    with pytest.raises(ProviderError) as caught:
        exchange(transport)
    facts = (caught.value.provider_status, caught.value.oauth_error, caught.value.cause)
    assert facts == (200, oauth_error, cause)
    assert not transport.is_accepted


def test_rejected_credentials_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ClientCredentialsRejected):
        exchange(FakeTransport(401))
    [record] = caplog.records
    assert (record.name, record.levelno) == ("flask_altdentifier", logging.ERROR)
    message = record.getMessage()
    assert "ALTDENTIFIER_CLIENT_ID" in message
    assert "ALTDENTIFIER_CLIENT_SECRET" in message
    assert "the secret" not in message


@pytest.mark.parametrize(
    ("value", "passed_on"),
    [
        ("120", "120"),
        (" 007 ", "7"),
        ("9" * 10, "9" * 10),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", None),
        *[(value, None) for value in ("9" * 11, "\u0663", "soon", "-1", "1.5", "", None)],
    ],
)
def test_retry_after(value: str | None, passed_on: str | None) -> None:
    headers = {} if value is None else {"Retry_After": value}
    with pytest.raises(ProviderUnavailable) as caught:
        exchange(FakeTransport(503, **headers))
    assert caught.value.retry_after == passed_on
