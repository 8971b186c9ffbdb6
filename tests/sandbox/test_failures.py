"""The trust factor API, and the failures that it shares with the token endpoint."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest

from flask_altdentifier.sandbox import Failure
from flask_altdentifier.sandbox.users import USERS

from .site import Site, authorize_url


@pytest.mark.parametrize(
    ("failure", "status", "api_status", "retry_after"),
    [
        (Failure.BAD_REQUEST, 400, 200, None),
        (Failure.UNAUTHORIZED, 401, 401, None),
        (Failure.FORBIDDEN, 403, 403, None),
        (Failure.RATE_LIMITED, 429, 429, "30"),
        (Failure.SERVER_ERROR, 500, 500, None),
        (Failure.UNAVAILABLE, 503, 503, "60"),
        (Failure.GARBAGE, 200, 200, None),
    ],
)
def test_failure_of_token_endpoint_and_api(
    site: Site, failure: Failure, status: int, api_status: int, retry_after: str | None
) -> None:
    code = site.get_code()
    site.state.failure = failure
    response, api_response = site.exchange(code), site.get_trust_factor()
    assert (response.status_code, api_response.status_code) == (status, api_status)
    assert response.is_json is (status in {400, 401})
    assert response.headers.get("Retry-After") == retry_after
    assert site.get(authorize_url()).status_code == 200
    site.state.failure = Failure.NONE
    assert site.exchange(code).status_code == 200


def test_failure_by_its_value(site: Site) -> None:
    site.state.failure = "slow"
    assert site.state.failure is Failure.SLOW
    with pytest.raises(ValueError, match=r"Failure\.SLOW"):
        site.state.failure = "slowly"


def test_slow(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    site.state.failure = Failure.SLOW
    assert site.exchange(site.get_code()).status_code == 200
    site.state.slow_seconds = 0.5
    assert site.get_trust_factor().get_json()["trustfactor"] == 3
    assert slept == [15.0, 0.5]


def test_users_have_all_trust_factors(site: Site) -> None:
    bodies = [site.get(f"/api/v2/user/{user.id}/trustfactor").get_json() for user in USERS]
    texts = {body["trustfactor"]: body["formatted_trustfactor"] for body in bodies}
    assert texts == dict(enumerate(["Very Distrusted", "Distrusted", "Trusted", "Very Trusted"]))
    assert site.get("/api/v2/user/1/trustfactor").status_code == 404


def test_token_is_accepted_until_it_expires(site: Site) -> None:
    access_token = site.exchange(site.get_code()).get_json()["access_token"]
    header = f"bearer {access_token}"
    assert site.get_trust_factor(Authorization=header).status_code == 200
    object.__setattr__(site.state.tokens[access_token], "expires_at", datetime.now(timezone.utc))
    assert site.get_trust_factor(Authorization=header).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer other", "Basic YTpi", "Basic \xe4", "x y"]
)
def test_invalid_token_is_401(site: Site, header: str) -> None:
    response = site.get_trust_factor(Authorization=header)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer error=invalid_token"
