"""A request to AltDentifier's API whose arguments are valid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from json import dumps
from typing import Any
from urllib.parse import SplitResult, urlsplit

from werkzeug.datastructures import Headers

_METHOD = re.compile(r"[A-Za-z]+")
_URL = re.compile(r"[!-~]+")
_TARGET = re.compile(r"/(?!/)[^\\#]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
#: Headers that the transport sets, or that would change how a connection is used.
_RESERVED_HEADERS = {
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}


@dataclass(frozen=True)
class ApiRequest:
    """A request that can be sent as it is. Its `repr` shows method and target only."""

    method: str
    #: Path and query.
    target: str
    headers: Headers = field(repr=False)
    body: bytes | None = field(repr=False)


def build_request(
    base_url: str,
    method: str,
    url: str,
    *,
    json: Any = None,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiRequest:
    """Return a request to *base_url*.

    Args:
        base_url: The origin that the request may be sent to.
        method: An HTTP method in any case.
        url: A path that starts with one `/`, or a URL of *base_url*. It is percent-encoded and has
            no fragment.
        json: A JSON value to send as the body.
        data: Bytes to send as the body, instead of *json*.
        headers: Headers to send.

    Raises:
        ValueError: An argument is not valid.
        TypeError: *data* is not `bytes`.

    Example::

        build_request("https://altdentifier.com", "GET", "/api/v2/something")
    """
    if not _METHOD.fullmatch(method):
        raise ValueError("a method is a word, such as 'GET'")
    return ApiRequest(
        method.upper(),
        _target(url, base_url),
        _headers(headers or {}, is_json=json is not None),
        _body(json, data),
    )


def _target(url: str, base_url: str) -> str:
    """Return path and query of *url*. Raises `ValueError` if it is not a URL of *base_url*."""
    if not _URL.fullmatch(url):
        raise ValueError(
            "a URL is printable ASCII. Percent-encode other characters with urllib.parse.quote()."
        )
    target = url if url.startswith("/") else _target_of_absolute(url, base_url)
    if not _TARGET.fullmatch(target):
        raise ValueError("a path starts with one '/', and has neither a backslash nor a fragment")
    return target


def _target_of_absolute(url: str, base_url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc or _origin(parts) != _origin(urlsplit(base_url)):
        raise ValueError(f"the user's token is only sent to {base_url}")
    target = url[url.index("://") + 3 + len(parts.netloc) :]
    return target if target.startswith("/") else f"/{target}"


def _origin(parts: SplitResult) -> tuple[str, bool, str | None, int | None]:
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = default if parts.port is None else parts.port
    # Python 3.10 accepts any name between the brackets of an IPv6 address.
    return parts.scheme, "[" in parts.netloc, parts.hostname, port


def _body(json: Any, data: bytes | None) -> bytes | None:
    if json is None:
        if data is not None and not isinstance(data, bytes):
            raise TypeError("data must be bytes: use text.encode(), or json for a JSON value")
        return data
    if data is not None:
        raise ValueError("give json or data, not both")
    return dumps(json, allow_nan=False).encode()


def _headers(headers: Mapping[str, str], *, is_json: bool) -> Headers:
    result = Headers({"Accept": "application/json"})
    if is_json:
        result.set("Content-Type", "application/json")
    for name, value in headers.items():
        _check_header(name, value)
        result.set(name, value)
    return result


def _check_header(name: str, value: Any) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("a header's name is printable ASCII without a space and ':'")
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise ValueError(f"the value of the header {name} is not printable ASCII text")
    if name.lower() in _RESERVED_HEADERS:
        raise ValueError(f"the header {name} is set by the transport")
