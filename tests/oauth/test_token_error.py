"""Error responses of the token endpoint."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from flask_altdentifier.errors import (
    AltDentifierError,
    ClientCredentialsRejected,
    CodeRejected,
    ProviderError,
    ProviderUnavailable,
)
from flask_altdentifier.http.response import ApiResponse
from flask_altdentifier.oauth.token_error import token_error

TOKEN = {"access_token": "t", "token_type": "Bearer"}
USED = {"error": "invalid_grant"}
UNKNOWN_ERRORS = [{"error": "Cannot grant token"}, {"error": ["invalid_client"]}, b"<html>", b"[1]"]


def error_of(status: int, body: Any, **headers: str) -> AltDentifierError:
    """Return the error for a response. A body that is not bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return token_error(ApiResponse(status, Headers(headers), data))


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
def test_response_has_its_error_with_its_facts(
    status: int, body: Any, expected: type[AltDentifierError], oauth_error: str | None
) -> None:
    error = error_of(status, body)
    assert type(error) is expected
    assert error.facts.startswith(f"{expected.reason} (status {status}")
    assert getattr(error, "oauth_error") == oauth_error  # noqa: B009


def test_retry_after_is_passed_on() -> None:
    error = error_of(503, b"", **{"Retry-After": " 007 "})
    assert isinstance(error, ProviderUnavailable)
    assert error.retry_after == "7"


def test_rejected_credentials_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    error_of(401, b"")
    [record] = caplog.records
    assert (record.name, record.levelno) == ("flask_altdentifier", logging.ERROR)
    message = record.getMessage()
    assert "ALTDENTIFIER_CLIENT_ID" in message
    assert "ALTDENTIFIER_CLIENT_SECRET" in message
