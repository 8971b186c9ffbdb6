"""Validation of URLs."""

from __future__ import annotations

import pytest

from flask_altdentifier import urls

from .support import words

HOSTILE = [
    *words("me //evil.example ///evil.example /\\evil.example \\\\evil.example /a\\b"),
    *words("https://evil.example/ https:evil.example javascript:alert(1)"),
    *("", " /me", "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example"),
    *("/me\r\nSet-Cookie: a=b", "/me\x00", "/me\x7f", "/\ud800"),
    *("/" + "a" * urls.MAX_PATH, "/" + "é" * (urls.MAX_PATH // 6 + 1)),
]

LOCAL = {
    "/": "/",
    "/me": "/me",
    "/me?a=1&b=%2F#end": "/me?a=1&b=%2F#end",
    "/a//b": "/a//b",
    "/./x": "/./x",
    "/café": "/caf%C3%A9",
    "/a b": "/a%20b",
    '/"<>': "/%22%3C%3E",
    "/%0d%0a": "/%0d%0a",
    "/?next=https://x.example": "/?next=https://x.example",
    "/a?b=\\c": "/a?b=%5Cc",
    "/a#\\c": "/a#%5Cc",
    "/" + "a" * (urls.MAX_PATH - 1): "/" + "a" * (urls.MAX_PATH - 1),
}


@pytest.mark.parametrize("target", HOSTILE)
def test_other_hosts_and_control_characters_are_refused(target: str) -> None:
    assert urls.local_path(target) is None


def test_none_is_refused() -> None:
    assert urls.local_path(None) is None


@pytest.mark.parametrize(("target", "path"), LOCAL.items())
def test_local_path_is_kept_percent_encoded(target: str, path: str) -> None:
    assert urls.local_path(target) == path


MALFORMED = f"""/callback ftp://app.example/ https:// https:///callback https://user@app.example/
https://app.example/#part https://app.example\\@evil.example/ https://app.example:99999/
https://[::1/ https://[app.example]/ https://[]/ https://[v1.x]/ https://[127.0.0.1]/
https://a%zz/ https://foo..bar/ https://../ https://café.example/ HTTPS://app.example/
https://{"a" * 64}.example/ https://{"a." * 130}example/"""


@pytest.mark.parametrize("url", ["", "https://app.example/a b", *words(MALFORMED)])
def test_malformed_absolute_url_is_refused(url: str) -> None:
    assert urls.parse_absolute_url(url) is None


def test_absolute_url_is_split() -> None:
    parts = urls.parse_absolute_url("https://app.example:8443/callback?a=1")
    assert parts is not None
    assert (parts.hostname, parts.port, parts.path) == ("app.example", 8443, "/callback")


def test_only_addresses_of_this_machine_are_loopback() -> None:
    assert all(map(urls.is_loopback, words("localhost 127.0.0.1 127.8.8.8 ::1")))
    others = "10.0.0.1 0.0.0.0 localhost.evil.example altdentifier.com"
    assert not any(map(urls.is_loopback, words(others)))


def test_url_is_loopback_if_its_host_is() -> None:
    assert urls.is_loopback_url("http://127.0.0.1:8400/x")
    assert not any(map(urls.is_loopback_url, ["https://altdentifier.com/localhost", "", "/me"]))
