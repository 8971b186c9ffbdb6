"""The query of a callback."""

from __future__ import annotations

import logging
import time

import pytest

from flask_altdentifier.errors import (
    AccessDenied,
    AltDentifierError,
    AuthorizationRequestRejected,
    InvalidCallback,
    ProviderError,
    ProviderUnavailable,
)
from flask_altdentifier.oauth.authorization_response import (
    MAX_VALUE,
    OPERATOR_ERRORS,
    AuthorizationResponse,
)

STATE = b"s" * 43


@pytest.mark.parametrize(
    "other",
    [b"iss=x", b"x=1&x=2", b"x=\xff", b"x=%00", b"x=%zz", b"\xc3\xa9=%C3%A9", b"x=" + b"a" * 9999],
)
def test_other_parameters_are_ignored(other: bytes) -> None:
    response = AuthorizationResponse(b"&".join([b"c%6fde=a%2Fb+c", b"", other, b"state=" + STATE]))
    assert (response.code, response.state) == ("a/b c", STATE.decode())


@pytest.mark.parametrize(
    "query",
    [
        *(b"", b"state", b"state=", b"State=" + STATE, b"state=%zz", b"state=\xff"),
        *(b"state=" + STATE[1:], b"state=" + STATE[1:] + b".", b"state=s" + STATE),
        *(b"state=" + STATE + b"%0a", b"state=" + STATE + b"&st%61te=x"),
    ],
)
def test_malformed_state_is_none(query: bytes) -> None:
    """A state is 43 base64url characters, once."""
    assert AuthorizationResponse(query).state == ""


@pytest.mark.parametrize(
    "query",
    [
        *(b"", b"code", b"code=", b"code=a&code=a", b"code=a%", b"code=a%gg", b"code=a b"),
        *(b"code=%0a", b"code=%7f", b"code=%c3%a9", b"code=\xc3\xa9"),
        *(b"code=" + b"a" * (MAX_VALUE + 1), b"code=" + b"%61" * (MAX_VALUE // 3 + 1)),
        *(b"error", b"error=", b"error=ACCESS_DENIED", b"error=login_required", b"error=%00"),
        *(b"error=access_denied&code=a", b"error=access_denied&code=", b"error=&code=a"),
        b"error=access_denied&error=access_denied",
    ],
)
def test_invalid_response_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidCallback):
        _ = AuthorizationResponse(query).code


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("access_denied", AccessDenied),
        ("server_error", ProviderError),
        ("temporarily_unavailable", ProviderUnavailable),
        *[(error, AuthorizationRequestRejected) for error in OPERATOR_ERRORS],
    ],
)
def test_error_codes(
    error: str, expected: type[AltDentifierError], caplog: pytest.LogCaptureFixture
) -> None:
    """Each code of RFC 6749 section 4.1.2.1 has its error; the operator's are logged."""
    query = f"error={error}&error_description=secret&state=x"
    with pytest.raises(expected) as caught:
        _ = AuthorizationResponse(query.encode()).code
    assert getattr(caught.value, "oauth_error", error) == error
    logged = [(record.levelno, record.getMessage()) for record in caplog.records]
    if expected is not AuthorizationRequestRejected:
        assert logged == []
        return
    [(level, message)] = logged
    assert level == logging.ERROR
    assert error in message
    assert OPERATOR_ERRORS[error] in message
    assert "secret" not in message


def test_longest_code() -> None:
    """A code may have 2,048 bytes."""
    assert AuthorizationResponse(b"code=" + b"a" * MAX_VALUE).code == "a" * MAX_VALUE


def test_code_may_have_equals_signs() -> None:
    assert AuthorizationResponse(b"code=a=b==").code == "a=b=="


def test_many_parameters_are_read_fast() -> None:
    """A query of 60 kB costs next to nothing."""
    start = time.process_time()
    query = b"code=x&" + b"&".join(b"%d=" % number for number in range(10_000))
    assert AuthorizationResponse(query).code == "x"
    assert time.process_time() - start < 1
