"""What passes of `Retry-After`."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import Headers

from flask_altdentifier.http.response import ApiResponse
from flask_altdentifier.http.retry_after import retry_after


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
def test_only_a_number_or_a_date_passes(value: str | None, passed_on: str | None) -> None:
    headers = Headers({} if value is None else {"Retry-After": value})
    assert retry_after(ApiResponse(503, headers, b"")) == passed_on
