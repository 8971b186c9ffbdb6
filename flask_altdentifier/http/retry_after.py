"""Parses `Retry-After` (RFC 9110 section 10.2.3)."""

from __future__ import annotations

from werkzeug.http import http_date, parse_date

from .response import ApiResponse


def retry_after(response: ApiResponse) -> str | None:
    """Return the response's `Retry-After` in a canonical form, so that no other text passes.

    Args:
        response: A response with any status.

    Returns:
        Seconds of at most ten digits, or an HTTP date in the preferred format, or None.

    Example::

        raise ProviderUnavailable(retry_after=retry_after(response))
    """
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return str(int(value)) if len(value) <= 10 else None
    try:
        date = parse_date(value)
        return None if date is None else http_date(date)
    except OverflowError:  # a year of eleven digits, or the last day of the year 9999
        return None
