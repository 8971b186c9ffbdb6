"""The raw query of a callback."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_altdentifier.callback import MAX_VALUE, CallbackQuery
from flask_altdentifier.errors import AccessDenied, LoginError

STATE = "s" * 43


def test_code_and_state() -> None:
    """A good answer has a code and the state; other parameters are ignored, empty ones too."""
    query = CallbackQuery(b"code=a%2Fb+c&iss=x&&x=&state=" + STATE.encode() + b"&")
    assert (query.code, query.state) == ("a/b c", STATE)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"state",
        b"state=",
        b"state=short",
        b"state=%s" % (b"s" * 44),
        b"state=%s&state=%s" % (b"s" * 43, b"s" * 43),
        b"state=%s&st%%61te=x" % (b"s" * 43),
        b"State=%s" % (b"s" * 43),
        b"state=%00",
        b"state=%zz",
        b"state=\xff",
        b"state=%s%%0a" % (b"s" * 43),
    ],
)
def test_state_that_is_none_of_ours(raw: bytes) -> None:
    """A state that is missing, repeated or malformed is no state."""
    assert CallbackQuery(raw).state is None


def test_encoded_name_is_read() -> None:
    """A percent-encoded name is the same name."""
    assert CallbackQuery(b"c%6fde=x").code == "x"


def test_user_said_no() -> None:
    """`access_denied` alone is the user's no."""
    with pytest.raises(AccessDenied):
        _ = CallbackQuery(b"error=access_denied&error_description=x").code


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"code",
        b"code=",
        b"code=a&code=a",
        b"code=a&code=b",
        b"code=%0a",
        b"code=%7f",
        b"code=%ff",
        b"code=%c3%a9",
        b"code=\xc3\xa9",
        b"code=a%",
        b"code=a%2",
        b"code=a%gg",
        b"code=a b",
        b"code=" + b"a" * (MAX_VALUE + 1),
        b"error=",
        b"error",
        b"error=server_error",
        b"error=ACCESS_DENIED",
        b"error=access_denied&code=a",
        b"error=access_denied&code=",
        b"error=access_denied&error=access_denied",
        b"error=x&code=a",
        b"error=%00",
        b"code=a&iss=x&iss=y",
        b"code=a&x=%00",
        b"code=a&x=" + b"a" * (MAX_VALUE + 1),
        b"code=" + b"%61" * (MAX_VALUE // 3 + 1),
    ],
)
def test_answer_that_does_not_count(raw: bytes) -> None:
    """Neither code nor error, both, and any parameter twice or malformed, is no answer."""
    with pytest.raises(LoginError):
        _ = CallbackQuery(raw).code


def test_longest_code() -> None:
    """A code may have 2,048 bytes."""
    assert CallbackQuery(b"code=" + b"a" * MAX_VALUE).code == "a" * MAX_VALUE


def test_many_parameters() -> None:
    """A query of 60 kB is read in no time."""
    query = CallbackQuery(b"code=x&" + b"&".join(b"%d=" % number for number in range(10_000)))
    began = time.process_time()
    assert query.code == "x"
    assert time.process_time() - began < 1


@given(st.binary())
def test_any_query_has_an_outcome(raw: bytes) -> None:
    """Whatever comes, it is a state and a code of printable ASCII, or one of two errors."""
    query = CallbackQuery(raw)
    assert query.state is None or len(query.state) == 43
    try:
        code = query.code
    except (AccessDenied, LoginError):
        return
    assert code.isascii()
    assert code.isprintable()
