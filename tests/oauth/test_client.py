"""The OAuth client, in front of a transport that responds as a test wants."""

from __future__ import annotations

import string
import time
from base64 import b64decode
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from flask_altdentifier.errors import (
    AltDentifierError,
    CodeRejected,
    ProviderError,
)
from flask_altdentifier.grant import Grant
from flask_altdentifier.oauth.client import OAuthClient

from ..support import FakeAltDentifier

SCOPE = frozenset({"read:user", "write:integrations"})


def client_of(transport: FakeAltDentifier, **options: str) -> OAuthClient:
    values = {
        "client_id": "the id",
        "client_secret": "the secret",
        "base_url": "https://altdentifier.com",
        "token_auth_method": "client_secret_post",
    }
    return OAuthClient(**(values | options), transport=transport)


def exchange(transport: FakeAltDentifier, **options: str) -> Grant:
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
    url = client_of(FakeAltDentifier()).authorization_url(
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
    transport = FakeAltDentifier()
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
    transport = FakeAltDentifier()
    exchange(transport, client_secret=" +:%/", token_auth_method="client_secret_basic")
    exchange(transport)
    (_, _, headers, form), (_, _, later_headers, _) = transport.requests
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"the%20id:%20%2B%3A%25%2F"
    assert not {"client_id", "client_secret"} & set(form)
    assert "Authorization" not in later_headers


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_any_printable_character_arrives(method: str) -> None:
    text = string.digits + string.ascii_letters + string.punctuation + " "
    transport = FakeAltDentifier()
    client_of(transport, client_secret=text, token_auth_method=method).exchange_code(
        text, redirect_uri="https://e/c", code_verifier="verifier", requested_scope=SCOPE
    )
    [(_, _, headers, form)] = transport.requests
    basic = b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode()
    secret = form.get("client_secret", unquote(basic.partition(":")[2]))
    assert (form["code"], form["code_verifier"], secret) == (text, "verifier", text)


# The token response


def test_lifetime_of_the_grant_counts_from_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    token = {"access_token": "t", "refresh_token": "r", "expires_in": 60}
    transport = FakeAltDentifier(token=token)
    assert exchange(transport) == Grant(
        access_token="t",
        refresh_token="r",
        scope=frozenset({"read:user"}),
        requested_scope=SCOPE,
        expires_at=datetime.fromtimestamp(1060, timezone.utc),
    )
    assert transport.accepted == [True]


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
    assert exchange(FakeAltDentifier(token={"scope": scope})).scope == granted


@pytest.mark.parametrize(("status", "expected"), [(201, ProviderError), (400, CodeRejected)])
def test_token_of_another_status_is_refused(status: int, expected: type[AltDentifierError]) -> None:
    transport = FakeAltDentifier(status)
    with pytest.raises(expected):
        exchange(transport)
    assert transport.accepted == [False]


@pytest.mark.parametrize(
    ("body", "cause", "oauth_error"),
    [
        (b"<html>", "InvalidJSON", None),
        (b"{}", "InvalidTokenResponse", None),
        (b'{"error": "invalid_grant"}', "InvalidTokenResponse", "invalid_grant"),
    ],
)
def test_invalid_token_response(body: bytes, cause: str, oauth_error: str | None) -> None:
    """Status 200 alone does not make a token response."""
    transport = FakeAltDentifier(body=body)
    with pytest.raises(ProviderError) as caught:
        exchange(transport)
    facts = (caught.value.provider_status, caught.value.oauth_error, caught.value.cause)
    assert facts == (200, oauth_error, cause)
    assert transport.accepted == [False]
