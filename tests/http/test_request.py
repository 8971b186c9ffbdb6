"""Arguments of a request to AltDentifier's API, valid and not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from flask_altdentifier.http.request import ApiRequest, build_request

from ..support import words

BASE_URL = "https://altdentifier.com"


def build(
    base_url: str = BASE_URL, method: str = "POST", url: str = "/x", **body: Any
) -> ApiRequest:
    return build_request(base_url, method, url, **body)


@pytest.mark.parametrize("value", [{"é": [None, False]}, False, 0, "", [], {}])
def test_json_is_the_body(value: Any) -> None:
    request = build(json=value)
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body or b"") == value


def test_bytes_and_headers_stay_as_they_are() -> None:
    headers = {"content-type": "a/b", "accept": "text/plain"}
    request = build(method="report", data=b"\x00", headers=headers)
    assert (request.method, request.body) == ("REPORT", b"\x00")
    assert {name.lower(): value for name, value in request.headers.items()} == headers


@pytest.mark.parametrize(
    ("url", "target"),
    [
        *((path, path) for path in words("/ /a//b /a?b=//c@d:e /@me")),
        ("https://altdentifier.com", "/"),
        ("https://altdentifier.com?a=https://x@y/", "/?a=https://x@y/"),
        ("https://altdentifier.com:443/a?b", "/a?b"),
        ("HTTPS://AltDentifier.COM:0443/A", "/A"),
    ],
)
def test_path_or_url_of_the_base_url_is_the_target(url: str, target: str) -> None:
    assert build(url=url).target == target


OTHER_URLS = """api/v2 ?a #a //evil.example/x ///evil.example /\\evil.example /a\\b /a#b
http://altdentifier.com/ ftp://altdentifier.com/ javascript://altdentifier.com/%0aalert(1)
https:altdentifier.com/ https:/altdentifier.com/ https:///altdentifier.com/ https://
https://evil.example/ https://altdentifier.com.evil.example/ https://altdentifier.com./
https://xaltdentifier.com/ https://altdentifier.com:8443/ https://altdentifier.com:80/
https://altdentifier.com:0/ https://altdentifier.com:99999/ https://altdentifier.com:x/
https://user@altdentifier.com/ https://@altdentifier.com/ https://altdentifier.com@evil.example/
https://altdentifier.com\\@evil.example/ https://evil.example\\@altdentifier.com/
https://evil.example#@altdentifier.com/ https://altdentifier%2ecom/ https://[altdentifier.com]/
https://[::1/ https://altdentifier.com//evil.example/ https://altdentifier.com/a#b"""
MORE_URLS = ["", "/a b", " /a", "/a\nb", "/\t/evil.example", "/a\x00", "/é", "/\ud800"]
RESERVED = """Authorization AUTHORIZATION host Content-Length Transfer-Encoding Connection
accept-encoding Expect TE Trailer Upgrade"""
NAMES = ["", "X A", "X:", "X-é", "X-A\r\nHost", *words(RESERVED)]
VALUES = ["a\r\nHost: b", "a\n b", "a\x00", "é", "a\tb", 1]
BODIES: list[dict[str, Any]] = [
    {"json": {}, "data": b""},
    {"json": float("nan")},
    {"json": {1, 2}},
    {"data": "text"},
]


@pytest.mark.parametrize(
    "arguments",
    [
        *({"url": url} for url in words(OTHER_URLS) + MORE_URLS),
        *({"method": method} for method in ("", "GET ", "GET /", "G\r\nX", "GÉT", "GET\0", "1")),
        *({"headers": {name: "x"}} for name in NAMES),
        *({"headers": {"X-A": value}} for value in VALUES),
        *BODIES,
    ],
    ids=repr,
)
def test_invalid_argument_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        build(**arguments)


def test_port_of_the_base_url_counts() -> None:
    base_url = "http://[::1]:8400"
    assert build(base_url, url="http://[::1]:8400/a").target == "/a"
    for url in ("http://[::1]/a", "https://[::1]:8400/a", "https://altdentifier.com/a"):
        with pytest.raises(ValueError, match=re.escape(base_url)):
            build(base_url, url=url)
