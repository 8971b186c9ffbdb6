"""What `flask altdentifier check` finds in the redirect URI and all that goes with it."""

from __future__ import annotations

import ast
import os
import re
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_altdentifier import blueprint
from flask_altdentifier.check.findings import Finding
from flask_altdentifier.check.site import PROXY_SIGNS

from ..support import bare_app
from .checking import CLOUD, LOCAL, SECURE, codes, found_with, good_app, offline


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out what the machine's own environment says."""
    for name in ("FLASK_RUN_HOST", *PROXY_SIGNS):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("uri", "mended"),
    [
        ("https://shop.example/", "https://shop.example/shop/callback"),
        ("https://shop.example/shop/callback/?a=b", "https://shop.example/shop/callback"),
    ],
)
def test_redirect_uri_of_another_page(uri: str, mended: str) -> None:
    """The redirect URI must lead to the callback."""
    app = good_app(ALTDENTIFIER_REDIRECT_URI=uri, APPLICATION_ROOT="/shop", **SECURE)
    [finding] = offline(app)
    assert finding.code == "redirect-path"
    assert finding.mend == f'ALTDENTIFIER_REDIRECT_URI = "{mended}"'


def test_callback_elsewhere() -> None:
    """Prefixes, variable ones too, are part of the callback's path."""
    app = bare_app(
        SESSION_REFRESH_EACH_REQUEST=False,
        ALTDENTIFIER_REDIRECT_URI="https://shop.example/de/auth/callback",
        **SECURE,
    )
    app.register_blueprint(blueprint, url_prefix="/<language>/auth", name="auth")
    assert offline(app) == []


def test_variable_parts_of_the_callback_are_for_people_to_fill() -> None:
    """The mend shows the variable parts of the callback's path."""
    app = bare_app(
        SESSION_REFRESH_EACH_REQUEST=False,
        ALTDENTIFIER_REDIRECT_URI="https://shop.example/callback",
        **SECURE,
    )
    app.register_blueprint(blueprint, url_prefix="/<language>/auth")
    [finding] = offline(app)
    assert "https://shop.example/<language>/auth/callback" in finding.mend


def test_callback_is_proposed_where_the_cookies_go() -> None:
    """An app that is told of its path by the cookies' path alone has its callback below it."""
    [finding] = offline(good_app(**SECURE, SESSION_COOKIE_PATH="/shop"))
    assert finding.mend == 'ALTDENTIFIER_REDIRECT_URI = "https://YOUR-HOST/shop/callback"'


@pytest.mark.parametrize("port", ["", ":80"])
def test_redirect_uri_over_http(port: str) -> None:
    """A redirect URI in the clear is for this machine only."""
    uri = f"http://shop.example{port}/callback"
    secure, insecure = offline(good_app(ALTDENTIFIER_REDIRECT_URI=uri))
    assert codes([secure, insecure]) == ["session-secure", "redirect-http"]
    assert insecure.mend == f'ALTDENTIFIER_REDIRECT_URI = "{CLOUD}"'
    assert found_with(ALTDENTIFIER_REDIRECT_URI=uri, **SECURE) == ["redirect-http"]


def test_redirect_uri_that_is_wrong_twice_has_one_mend() -> None:
    """Path and scheme are mended in one line, which both findings name."""
    app = good_app(ALTDENTIFIER_REDIRECT_URI="http://shop.example/", **SECURE)
    path, scheme = offline(app)
    assert codes([path, scheme]) == ["redirect-path", "redirect-http"]
    assert path.mend == scheme.mend == f'ALTDENTIFIER_REDIRECT_URI = "{CLOUD}"'


def test_redirect_uri_out_of_the_cookies_reach() -> None:
    """Path and domain of the cookies must hold the callback."""
    uri = {"ALTDENTIFIER_REDIRECT_URI": CLOUD, "SESSION_COOKIE_NAME": "x"} | SECURE
    assert found_with(**uri, APPLICATION_ROOT="/shop") == ["cookie-path"]
    assert found_with(**uri, SESSION_COOKIE_PATH="/call") == ["cookie-path"]
    assert found_with(**uri, SESSION_COOKIE_PATH="/callback") == []
    assert found_with(**uri, SESSION_COOKIE_DOMAIN="hop.example") == ["cookie-domain"]
    assert found_with(**uri, SESSION_COOKIE_DOMAIN=".Shop.example") == []


def test_redirect_uri_of_another_site() -> None:
    """The redirect URI must be on the site that the app says it is."""
    uri = {"ALTDENTIFIER_REDIRECT_URI": CLOUD, "SESSION_COOKIE_NAME": "x"} | SECURE
    https = {"PREFERRED_URL_SCHEME": "https"}
    assert found_with(**uri, **https, SERVER_NAME="shop.example") == []
    assert found_with(**uri, **https, SERVER_NAME="Example") == []
    assert found_with(**uri, SERVER_NAME="shop.example") == ["redirect-scheme"]
    assert found_with(**https, ALTDENTIFIER_REDIRECT_URI=LOCAL) == ["redirect-scheme"]
    assert found_with(**uri, **https, SERVER_NAME="inner:8000") == ["redirect-host"]
    assert found_with(**uri, **https, SERVER_NAME="x", SESSION_COOKIE_DOMAIN="example") == []


def test_trusted_hosts() -> None:
    """The callback must be on a host that the app answers to."""
    uri = {"ALTDENTIFIER_REDIRECT_URI": CLOUD} | SECURE
    assert found_with(**uri, TRUSTED_HOSTS=["shop.example"]) == []
    assert found_with(**uri, TRUSTED_HOSTS=[".example"]) == []
    [finding] = offline(good_app(**uri, TRUSTED_HOSTS=["www.shop.example"]))
    assert finding.code == "trusted-hosts"
    assert finding.mend == "TRUSTED_HOSTS = ['www.shop.example', 'shop.example']"
    assert found_with(**uri, TRUSTED_HOSTS="shop.example") == []
    [finding] = offline(good_app(**uri, TRUSTED_HOSTS="www.shop.example"))
    assert finding.mend == "TRUSTED_HOSTS = ['www.shop.example', 'shop.example']"


def test_localhost_is_not_127_0_0_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of this machine are different sites to a browser."""
    [finding] = offline(good_app(ALTDENTIFIER_REDIRECT_URI=LOCAL, SERVER_NAME="localhost:5000"))
    assert finding.code == "localhost"
    assert finding.mend == 'SERVER_NAME = "127.0.0.1:5000"'
    app = good_app(ALTDENTIFIER_REDIRECT_URI="http://localhost:5000/callback")
    assert offline(app) == []
    app.testing, app.debug = False, True  # `flask run` prints a link to 127.0.0.1
    [finding] = offline(app)
    assert (finding.code, finding.mend) == ("localhost", "FLASK_RUN_HOST=localhost")
    for host in ("localhost", "[::1"):  # the second is none
        monkeypatch.setenv("FLASK_RUN_HOST", host)
        assert offline(app) == []


def test_behind_a_proxy() -> None:
    """Where something tells of a proxy, the app must know its public URL."""
    [finding] = offline(good_app(**SECURE))
    assert finding.code == "proxy"
    assert finding.message.startswith("SESSION_COOKIE_SECURE is set, but neither")
    assert finding.mend == 'ALTDENTIFIER_REDIRECT_URI = "https://YOUR-HOST/callback"'
    [finding] = offline(
        good_app(**SECURE, PREFERRED_URL_SCHEME="https", SERVER_NAME="shop.example")
    )
    assert finding.mend == f'ALTDENTIFIER_REDIRECT_URI = "{CLOUD}"'


@pytest.mark.parametrize("sign", PROXY_SIGNS)
def test_signs_of_a_proxy(monkeypatch: pytest.MonkeyPatch, sign: str) -> None:
    """Servers and hosting platforms tell of the proxy that they stand behind."""
    monkeypatch.setenv(sign, "x")
    app = good_app()
    assert codes(offline(app)) == ["session-secure", "proxy"]
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=0)  # type: ignore[method-assign]
    assert codes(offline(app)) == ["session-secure", "proxy"]
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    assert offline(app) == []
    inner = app.wsgi_app
    app.wsgi_app = type("Gzip", (), {"wsgi_app": inner})()  # type: ignore[method-assign]
    assert offline(app) == []


def layer(**kept: Any) -> Any:
    """Return a middleware that keeps these."""
    return SimpleNamespace(**kept)


def test_middleware_that_keeps_the_app() -> None:
    """Layers are followed to the Flask object, and not round in a circle."""
    app, other, circle = good_app(**SECURE), good_app(), layer()
    inner, circle.app = app.wsgi_app, circle
    other.wsgi_app = ProxyFix(other.wsgi_app)  # type: ignore[method-assign]
    for outer in (layer(app=app), layer(app=other), layer(wsgi_app=inner, app=app), circle):
        app.wsgi_app = outer  # type: ignore[method-assign]
        assert codes(offline(app)) == ["proxy"]
    # As Flask-Sockets has it.
    app.wsgi_app = layer(wsgi_app=ProxyFix(inner), app=app)  # type: ignore[method-assign]
    assert offline(app) == []


def any_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


#: All that mends of one family may meet in another's.
CONFIGS = st.fixed_dictionaries(
    {
        "ALTDENTIFIER_REDIRECT_URI": any_of(
            None,
            CLOUD,
            LOCAL,
            "https://shop.example/",
            "https://www.shop.example/shop/callback",
            "http://shop.example/callback",
            "http://shop.example:80/?a=b",
            "http://localhost:5000/x",
            "https://localhost/callback",
            "http://[::1]:5000/callback",
        ),
        "APPLICATION_ROOT": any_of("/", "/shop"),
        "PREFERRED_URL_SCHEME": any_of("http", "https"),
        "SERVER_NAME": any_of(
            None, "shop.example", "www.shop.example", "in:8000", "localhost:5000"
        ),
        "SESSION_COOKIE_DOMAIN": any_of(None, ".shop.example", "www.shop.example", "other.example"),
        "SESSION_COOKIE_HTTPONLY": st.booleans(),
        "SESSION_COOKIE_NAME": any_of("session", "__Host-session", "__Secure-session", "mine"),
        "SESSION_COOKIE_PATH": any_of(None, "/", "/shop", "/callback"),
        "SESSION_COOKIE_SAMESITE": any_of(None, "Lax", "strict", "None"),
        "SESSION_COOKIE_SECURE": st.booleans(),
        "SESSION_REFRESH_EACH_REQUEST": st.booleans(),
        "TRUSTED_HOSTS": any_of(None, [], ["shop.example"], [".shop.example"], ["localhost"]),
    }
)


def mended(config: dict[str, Any], found: list[Finding]) -> dict[str, Any]:
    """Return *config* with all mends put in, of which no two may be about one key."""
    new: dict[str, Any] = {}
    for finding in found:
        line = re.fullmatch(r"([A-Z_]+) = (.*?)(?:  #.*)?", finding.mend)
        if line is None:
            name, _, value = finding.mend.partition("=")
            assert name == "FLASK_RUN_HOST"
            os.environ[name] = value
            continue
        key, value = line[1], ast.literal_eval(line[2])
        assert new.setdefault(key, value) == value, f"two mends of {key}"
    return config | new


def put_in_the_host(config: dict[str, Any]) -> dict[str, Any]:
    """Do what a person does who knows the host."""
    uri = config["ALTDENTIFIER_REDIRECT_URI"] or ""
    host = (config["SESSION_COOKIE_DOMAIN"] or "shop.example").lstrip(".")
    trusted = config["TRUSTED_HOSTS"]
    if "YOUR-HOST" in uri and trusted is not None:
        assume(host in trusted or f".{host}" in trusted)
    return config | {"ALTDENTIFIER_REDIRECT_URI": uri.replace("YOUR-HOST", host) or None}


@settings(max_examples=200)
@given(CONFIGS, st.booleans())
def test_mends_agree(config: dict[str, Any], tested: bool) -> None:
    """All mends together leave nothing to be found: none undoes another, or calls for one."""

    def found(config: dict[str, Any]) -> list[Finding]:
        app: Flask = good_app(**config)
        app.testing, app.debug = tested, True
        return offline(app)

    with mock.patch.dict(os.environ):
        os.environ.pop("FLASK_RUN_HOST", None)
        assert found(put_in_the_host(mended(config, found(config)))) == []
