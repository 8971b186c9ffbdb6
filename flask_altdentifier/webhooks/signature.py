"""The signature of an event: an HMAC-MD5 of the body in the `Digest` header."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

_MD5 = re.compile(r"md5=([0-9a-f]{32})", re.ASCII | re.IGNORECASE)


def digest(secret: str, body: bytes) -> str:
    """Return the `Digest` header that AltDentifier sends with *body*, for your tests.

    Args:
        secret: A webhook secret.
        body: The raw body of the request.

    Returns:
        `MD5=` and the HMAC-MD5 of *body* in hexadecimal.

    Example::

        client.post("/webhook", data=body, headers={"Digest": digest("secret", body)})
    """
    return "MD5=" + hmac.digest(secret.encode(), body, "md5").hex()


def is_signed(header: str, secrets: Iterable[str], body: bytes) -> bool:
    """Return whether *header* contains the digest of *body* under one of *secrets*.

    Compares each secret in constant time, so that the time does not reveal which one matches.
    """
    sent = _parse_digest(header)
    if sent is None:
        return False
    matches = [hmac.compare_digest(sent, digest(secret, body)) for secret in secrets]
    return any(matches)


def _parse_digest(header: str) -> str | None:
    """Return the only MD5 digest of a `Digest` header, or None.

    The header can also contain digests of other algorithms (RFC 3230 section 4.3.2). Two MD5
    digests are ambiguous, even if they are equal.
    """
    values = [value.strip(" \t") for value in header.split(",")]
    values = [value for value in values if value[:4].upper() == "MD5="]
    match = _MD5.fullmatch(values[0]) if len(values) == 1 else None
    return None if match is None else "MD5=" + match[1].lower()
