from __future__ import annotations

import pytest

from flask_altdentifier.sandbox import redirects


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost",
        "http://localhost:5000/callback",
        "https://app.example?tenant=1",
        "http://[::1]:5000/cb",
        "https://app.example:/cb",
        "http://my_container:80/a;b@c",
    ],
)
def test_web_uri(uri: str) -> None:
    """Absolute http and https URIs are good."""
    assert redirects.is_web_uri(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "//app.example",
        "https://",
        "javascript:alert(1)",
        "myapp://callback",
        "https://app.example/#fragment",
        "https://user@app.example/",
        "https://app.example\\@other.example/",
        "https://app.example; script-src */",
        "https://app.example /",
        "https://app.example/\n",
        "https://app.example:0/",
        "https://app.example:a/",
        "https://app.example:70000/",
        "https://[::/",
        "https://[1:2]/",
        "https://äpp.example/",
    ],
)
def test_no_web_uri(uri: str) -> None:
    """Anything else is not, nor what could mean something in a header."""
    assert not redirects.is_web_uri(uri)


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback(host: str) -> None:
    """Names and addresses of this machine are told."""
    assert redirects.is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example", "notlocalhost", "10.0.0.1", "192.0.2.1"])
def test_no_loopback(host: str) -> None:
    """Those of other machines are told apart."""
    assert not redirects.is_loopback(host)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:5000/webhook", True),
        ("https://[::1]/", True),
        ("http://app.localhost/", False),
        ("http://192.0.2.1/", False),
        ("ftp://localhost/", False),
    ],
)
def test_webhook_url(url: str, expected: bool) -> None:
    """Events go to this machine alone, by a name that cannot be resolved to another."""
    assert redirects.is_webhook_url(url) is expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://app.example/cb", "https://app.example"),
        ("http://localhost:5000/cb", "http://localhost:5000"),
        ("https://app.example:/cb", "https://app.example"),
        ("http://[::1]:5000/cb", "http:"),
    ],
)
def test_form_action_source(uri: str, expected: str) -> None:
    """What a policy allows is an origin; one without a port has no colon (CSP3 section 2.3.1)."""
    assert redirects.form_action_source(uri) == expected
