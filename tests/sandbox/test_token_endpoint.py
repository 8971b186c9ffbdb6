from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from flask_altdentifier.sandbox import state as state_module
from flask_altdentifier.sandbox.state import code_hash

from .site import REDIRECT_URI, Site, basic

# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
PKCE = {
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
CANNOT_GRANT = (400, {"error": "Cannot grant token"})
WRONG_CREDENTIALS = (401, {"error": "Provided client credentials are incorrect"})


def result_of(response: Any) -> tuple[int, Any]:
    return response.status_code, response.get_json()


def test_response_has_the_documented_members(site: Site) -> None:
    response = site.exchange(site.get_code())
    body = response.get_json()
    assert response.headers["Cache-Control"] == "no-store"
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 604800,
        "refresh_token": body["refresh_token"],
        "scope": "read:user",
    }
    token = site.state.get_token(body["access_token"])
    assert token is not None
    assert timedelta(days=6) < token.expires_at - datetime.now(timezone.utc) <= timedelta(days=7)


def test_simultaneous_requests_get_one_token(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    code, barrier, get = site.get_code(), threading.Barrier(8), site.state.get_code

    def get_together(value: str, client_id: str) -> Any:
        found = get(value, client_id)
        barrier.wait(timeout=10)
        return found

    monkeypatch.setattr(site.state, "get_code", get_together)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: site.exchange(code).status_code, range(8)))
    assert sorted(statuses) == [200] + 7 * [400]


def test_code_expires(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    code, start = site.get_code(), time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 601)
    assert result_of(site.exchange(code)) == CANNOT_GRANT
    fresh = site.get_code()
    assert set(site.state.codes) == {fresh}


def test_code_is_bound_to_its_client() -> None:
    site = Site({"sandbox": "sandbox-secret", "other": "other-secret"})
    code = site.get_code()
    assert result_of(site.exchange(code, basic("other", "other-secret"))) == CANNOT_GRANT
    assert site.exchange(code).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "made-up"},
        {"code": ["a", "b"]},
        {"redirect_uri": f"{REDIRECT_URI}/"},
        {"grant_type": "refresh_token"},
        {"grant_type": 'ä"'},
        {"code_verifier": VERIFIER},
    ],
)
def test_invalid_request_is_400_and_keeps_the_code(site: Site, changes: dict[str, Any]) -> None:
    code = site.get_code()
    assert result_of(site.exchange(**{"code": code, **changes})) == CANNOT_GRANT
    assert site.state.token_requests[-1].problem
    assert site.exchange(code).status_code == 200


@pytest.mark.parametrize("secret", ["plain", "s%65cret", "a+b c", "per%cent", "ä:ö"])
@pytest.mark.parametrize("encode", [quote_plus, quote, str])
def test_basic_credentials_in_each_encoding(secret: str, encode: Callable[[str], str]) -> None:
    """Form-encoded (RFC 6749 section 2.3.1), percent-encoded, and as they are."""
    site = Site({"my app": secret})
    header = basic(encode("my app"), encode(secret))
    code = site.get_code(client_id="my app")
    assert site.exchange(code, header).status_code == 200
    code = site.get_code(client_id="my app")  # requests-oauthlib also sends the id in the body
    assert site.exchange(code, header, client_id="my app").status_code == 200
    assert site.state.token_requests[0].client_id == "my app"


@pytest.mark.parametrize(
    "header",
    ["Bearer a", "Basic", "Basic %%%", "Basic \xe4", "Basic /w==", basic("sandbox", "wrong")],
)
def test_wrong_credentials_are_401(site: Site, header: str) -> None:
    response = site.exchange(site.get_code(), header)
    assert result_of(response) == WRONG_CREDENTIALS
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert result_of(site.exchange("a", client_secret=header)) == WRONG_CREDENTIALS
    assert result_of(site.post("/oauth2/token?code=a")) == CANNOT_GRANT


@pytest.mark.parametrize(
    ("verifier", "status"), [(VERIFIER, 200), ("w" * 43, 400), ("short", 400), (None, 400)]
)
def test_pkce(site: Site, verifier: str | None, status: int) -> None:
    assert site.exchange(site.get_code(**PKCE), code_verifier=verifier).status_code == status


def test_token_requests_are_remembered(site: Site) -> None:
    site.exchange("made-up")
    site.exchange("made-up", client_id=None)
    hashed = code_hash("made-up")
    assert [(r.client_id, r.code_hash, r.status) for r in site.state.token_requests] == [
        ("sandbox", hashed, 400),
        ("", hashed, 401),
    ]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "MAX_RECORDS", 3)
    site = Site()
    for guild_id in range(5):
        site.exchange(site.get_code())
        newest = site.get_code(scope="write:integrations", guild_id=str(guild_id))
    assert newest in site.state.codes
    state = site.state
    sizes = [len(state.codes), len(state.tokens), len(state.installations)]
    assert [*sizes, len(state.token_requests)] == [3, 3, 3, 3]
    site.exchange(None, client_id="c" * 9999, grant_type="g" * 9999)
    newest_request = state.get_token_requests()[0]
    kept = (newest_request.client_id, newest_request.problem)
    assert [len(text) for text in kept] == [state_module.MAX_TEXT] * 2


def test_no_secret_is_logged_or_in_a_repr(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        code = site.get_code(**PKCE)
        text = repr(list(site.state.codes.values()))
        body = site.exchange(code, code_verifier=VERIFIER).get_json()
        site.exchange(code, basic("sandbox", "sandbox-secret"))
    kept = [*site.state.clients.values(), *site.state.tokens.values(), *site.state.token_requests]
    text += caplog.text + repr([*kept, *site.state.webhooks.values()])
    secrets = {code, VERIFIER, "sandbox-secret", "a-state", site.state.webhooks["sandbox"].secret}
    secrets |= {body["access_token"], body["refresh_token"]}
    assert "Validate token request" in text
    assert not {secret for secret in secrets if secret in text}
