"""How an event is signed and posted to an application on this machine."""

from __future__ import annotations

import hmac
from http.client import HTTPConnection, HTTPException, HTTPSConnection, responses
from typing import NamedTuple
from urllib.parse import urlsplit

#: Seconds that an application has to answer.
TIMEOUT = 5.0


class Result(NamedTuple):
    """The status of the response, or None if there was none, and a text for people."""

    status: int | None
    text: str


def make_digest(secret: str, body: bytes) -> str:
    """Return the value of the Digest header: the HMAC-MD5 of *body* in hex."""
    return "MD5=" + hmac.digest(secret.encode(), body, "md5").hex()


def post_event(url: str, body: bytes, digest: str) -> Result:
    """Post an event to a URL on this machine.

    Redirects are not followed, and proxies of the environment are not used.
    """
    headers = {"Content-Type": "application/json", "Digest": digest}
    try:
        status = _post(url, body, headers)
    except TimeoutError:
        return Result(None, f"No response within {TIMEOUT:g} seconds")
    except (OSError, HTTPException):
        return Result(None, "No response. Is the application running?")
    return Result(status, f"{status} {responses.get(status, '')}".rstrip())


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("POST", parts._replace(scheme="", netloc="").geturl(), body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
