"""What `flask altdentifier check` finds in the config."""

from __future__ import annotations

import ast
import os
import re
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_altdentifier import blueprint
from flask_altdentifier.diagnostics import check_app
from flask_altdentifier.diagnostics.findings import Finding
from flask_altdentifier.diagnostics.subject import PLATFORM_VARIABLES

from ..support import bare_app
from .apps import CREDENTIALS, LOCAL, PUBLIC, SECURE, OwnStore, codes, good_app, live_app, only


def test_good_app_has_no_problems() -> None:
    assert codes(good_app()) == []
    assert codes(good_app(ALTDENTIFIER_REDIRECT_URI=LOCAL)) == []
    assert codes(live_app()) == []
    assert codes(live_app(), production=True) == []


@pytest.mark.parametrize(
    ("config", "code", "fix"),
    [
        ({"ALTDENTIFIER_REDIRCT_URI": "x"}, "unknown-key", "ALTDENTIFIER_REDIRECT_URI = ..."),
        ({"ALTDENTIFER_SCOPE": "x"}, "unknown-key", "ALTDENTIFIER_SCOPE = ..."),
        ({"ALTDENTIFIER_ZZZ": "x"}, "unknown-key", "Remove ALTDENTIFIER_ZZZ"),
        ({"ALTDENTIFIER_CLIENT_ID": "your-client-id"}, "placeholder", "ALTDENTIFIER_CLIENT_ID = "),
        ({"ALTDENTIFIER_CLIENT_ID": "my-app"}, "placeholder", "ALTDENTIFIER_CLIENT_ID = "),
        ({"ALTDENTIFIER_CLIENT_SECRET": "changeme"}, "placeholder", "ALTDENTIFIER_CLIENT_SECRET"),
        ({"ALTDENTIFIER_CLIENT_ID": "123456789"}, "placeholder", "ALTDENTIFIER_CLIENT_ID = "),
        ({"ALTDENTIFIER_CLIENT_SECRET": "sandbox-secret"}, "placeholder", "ALTDENTIFIER_"),
        (
            {"ALTDENTIFIER_CLIENT_SECRET": "the-secret-of-your-application"},
            "placeholder",
            "ALTDENTIFIER_CLIENT_SECRET",
        ),
        ({"ALTDENTIFIER_SCOPE": "read:users"}, "scope-unknown", 'ALTDENTIFIER_SCOPE = "read:user"'),
        ({"ALTDENTIFIER_SCOPE": "zzz"}, "scope-unknown", 'ALTDENTIFIER_SCOPE = "read:user"'),
        (
            {"ALTDENTIFIER_SCOPE": "read:user,write:integrations"},
            "scope-unknown",
            'ALTDENTIFIER_SCOPE = "read:user write:integrations"',
        ),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, "session-samesite", "SESSION_COOKIE_SAMESITE ="),
        ({"SESSION_COOKIE_SAMESITE": "None"}, "session-cookie-refused", "SESSION_COOKIE_SAMESITE"),
        ({"SESSION_COOKIE_NAME": "__Host-s"}, "session-cookie-refused", "SESSION_COOKIE_NAME"),
        ({"SESSION_COOKIE_NAME": "__Secure-s"}, "session-cookie-refused", "SESSION_COOKIE_NAME"),
        ({"SESSION_COOKIE_HTTPONLY": False}, "session-httponly", "SESSION_COOKIE_HTTPONLY = True"),
        ({"SESSION_TYPE": "redis"}, "session-cookies", "flask_session.Session(app)"),
        (
            {"ALTDENTIFIER_REDIRECT_URI": LOCAL, **SECURE},
            "session-secure-http",
            "SESSION_COOKIE_SECURE = False",
        ),
    ],
)
def test_config_of_any_app(config: dict[str, Any], code: str, fix: str) -> None:
    found = only(good_app(**config))
    assert found.code == code
    assert found.fix.startswith(fix)


@pytest.mark.parametrize(
    ("config", "code", "fix"),
    [
        ({"DEBUG": True}, "development-mode", "Run the app without --debug"),
        ({"TESTING": True}, "development-mode", "TESTING = False"),
        (
            {"ALTDENTIFIER_BASE_URL": "http://127.0.0.1:8400"},
            "sandbox-url",
            'ALTDENTIFIER_BASE_URL = "https://altdentifier.com"',
        ),
        ({"SESSION_COOKIE_SECURE": False}, "session-secure", "SESSION_COOKIE_SECURE = True"),
        (
            {"ALTDENTIFIER_REDIRECT_URI": "https://shop.example/"},
            "redirect-path",
            f'ALTDENTIFIER_REDIRECT_URI = "{PUBLIC}"',
        ),
        (
            {"ALTDENTIFIER_REDIRECT_URI": "http://shop.example:80/callback"},
            "redirect-http",
            f'ALTDENTIFIER_REDIRECT_URI = "{PUBLIC}"',
        ),
        ({"APPLICATION_ROOT": "/shop"}, "cookie-path", 'SESSION_COOKIE_PATH = "/"'),
        ({"SESSION_COOKIE_DOMAIN": "op.example"}, "cookie-domain", "SESSION_COOKIE_DOMAIN = None"),
        ({"SERVER_NAME": "inner:8000"}, "redirect-host", 'SERVER_NAME = "shop.example"'),
        ({"TRUSTED_HOSTS": "a.example"}, "trusted-hosts", "TRUSTED_HOSTS = ['a.example', 'shop."),
        ({"ALTDENTIFIER_STORE": "memory://"}, "store-memory", 'ALTDENTIFIER_STORE = "redis://'),
    ],
)
def test_config_in_production(config: dict[str, Any], code: str, fix: str) -> None:
    found = only(live_app(**config))
    assert found.code == code
    assert found.fix.startswith(fix)


def test_production_without_any_setting() -> None:
    """`--production` looks at what is missing."""
    app = good_app(TESTING=False, ALTDENTIFIER_STORE="memory://")
    app.testing = False
    assert set(codes(app, production=True)) == {
        "redirect-uri-missing",
        "session-secure",
        "store-memory",
    }


@pytest.mark.parametrize("uri", [PUBLIC, "http://shop.example/callback", None])
def test_session_cookie_is_not_secure(uri: str | None) -> None:
    app = live_app(ALTDENTIFIER_REDIRECT_URI=uri, SESSION_COOKIE_SECURE=False)
    assert "session-secure" in codes(app, production=True)


def test_prefix_of_the_redirect_uri_is_a_warning() -> None:
    """The app does not see whether a server or another app mounts it."""
    found = only(live_app(ALTDENTIFIER_REDIRECT_URI="https://shop.example/auth/callback"))
    assert (found.code, found.level) == ("redirect-prefix", "warning")
    assert found.fix.startswith(f'ALTDENTIFIER_REDIRECT_URI = "{PUBLIC}"')
    found = only(live_app(ALTDENTIFIER_REDIRECT_URI="https://shop.example/auth/call"))
    assert found.code == "redirect-path"


@pytest.mark.parametrize("config", [{"APPLICATION_ROOT": "/a"}, {"SESSION_COOKIE_PATH": "/a"}, {}])
def test_known_prefix_of_the_redirect_uri(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    app = live_app(ALTDENTIFIER_REDIRECT_URI="https://shop.example/a/callback", **config)
    if not config:
        monkeypatch.setenv("SCRIPT_NAME", "/a")
    assert codes(app) == []
    monkeypatch.delenv("SCRIPT_NAME", raising=False)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
    assert codes(app) == []


def test_host_in_capitals_is_trusted() -> None:
    uri = "https://Shop.Example/callback"
    assert codes(live_app(ALTDENTIFIER_REDIRECT_URI=uri, TRUSTED_HOSTS=["shop.example"])) == []


def test_local_redirect_uri_in_production() -> None:
    found = only(live_app(ALTDENTIFIER_REDIRECT_URI=LOCAL), production=True)
    assert found.code == "redirect-http"
    assert "https://YOUR-HOST/callback" in found.fix


def test_provider_is_not_asked_about_a_sandbox_in_production() -> None:
    """Its fix, to start a sandbox, would contradict the other finding's."""
    app = live_app(ALTDENTIFIER_BASE_URL="http://127.0.0.1:1")
    assert codes(app, offline=False) == ["sandbox-url"]


def test_placeholders_are_fine_in_a_sandbox() -> None:
    placeholders = {"ALTDENTIFIER_CLIENT_ID": "my-app", "ALTDENTIFIER_CLIENT_SECRET": "secret"}
    config = placeholders | {"ALTDENTIFIER_BASE_URL": "http://localhost:8400"}
    assert codes(good_app(**config)) == []


def test_environment_that_the_app_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_ALTDENTIFIER_GRANT_LIFETIME", "60")
    assert codes(good_app(ALTDENTIFIER_GRANT_LIFETIME=60)) == []
    found = only(good_app())
    assert found.code == "environment-unused"
    assert "FLASK_ALTDENTIFIER_GRANT_LIFETIME" in found.title


@pytest.mark.parametrize(
    ("name", "text"),
    [("TIMEOUT", "10"), ("PKCE", "false"), ("LOGIN_LIFETIME", "600.0"), ("GRANT_LIFETIME", "null")],
)
def test_environment_may_set_a_default(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(f"FLASK_ALTDENTIFIER_{name}", text)
    assert codes(good_app()) == []


def test_environment_without_the_prefix_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALTDENTIFIER_AFTER_LOGIN", "/home")
    found = only(good_app())
    assert found.code == "environment-unused"
    assert "Set FLASK_ALTDENTIFIER_AFTER_LOGIN" in found.fix


def test_config_that_changed_after_registration() -> None:
    app = good_app()
    app.config["ALTDENTIFIER_SCOPE"] = "write:integrations"
    assert codes(app) == ["config-late"]
    app.config["ALTDENTIFIER_SCOPE"] = 7
    found = only(app)
    assert (found.code, "ALTDENTIFIER_SCOPE" in found.title) == ("config-late", True)


def test_session_interface_of_the_app() -> None:
    class Own(SecureCookieSessionInterface):
        pass

    app = bare_app(**CREDENTIALS)
    app.session_interface = Own()
    app.register_blueprint(blueprint)
    assert "Own" in only(app).title
    app.session_interface = SimpleNamespace(  # type: ignore[assignment]
        get_cookie_name=lambda _: "s", get_cookie_path=lambda _: "/", get_cookie_domain=lambda _: ""
    )
    assert only(app).code == "session-id"


def test_callback_below_a_variable_prefix() -> None:
    def app(uri: str) -> Flask:
        app = bare_app(**CREDENTIALS, **SECURE, ALTDENTIFIER_REDIRECT_URI=uri, DEBUG=False)
        app.config["TESTING"] = False
        app.config["ALTDENTIFIER_STORE"] = OwnStore()
        app.register_blueprint(blueprint, url_prefix="/<language>/auth", name="auth")
        return app

    assert codes(app("https://shop.example/de/auth/callback")) == []
    assert "https://shop.example/<language>/auth/callback" in only(app(PUBLIC)).fix


def test_redirect_uri_is_proposed_where_the_cookies_go() -> None:
    found = only(good_app(**SECURE, SESSION_COOKIE_PATH="/shop"))
    assert found.code == "redirect-uri-missing"
    assert found.fix == 'ALTDENTIFIER_REDIRECT_URI = "https://YOUR-HOST/shop/callback"'


def test_names_of_this_machine_are_different_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = only(good_app(ALTDENTIFIER_REDIRECT_URI=LOCAL, SERVER_NAME="localhost:5000"))
    assert (found.code, found.fix) == ("redirect-host", 'SERVER_NAME = "127.0.0.1:5000"')
    app = good_app(ALTDENTIFIER_REDIRECT_URI="http://localhost:5000/callback")
    assert codes(app) == []
    app.testing, app.debug = False, True  # `flask run` prints a link to 127.0.0.1
    assert (only(app).code, only(app).fix) == ("redirect-host", "FLASK_RUN_HOST=localhost")
    for host in ("localhost", "[::1"):  # the second is not valid
        monkeypatch.setenv("FLASK_RUN_HOST", host)
        assert codes(app) == []


@pytest.mark.parametrize("variable", ["FORWARDED_ALLOW_IPS", *PLATFORM_VARIABLES])
def test_proxy_is_recognized(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "x")
    app = good_app()
    assert set(codes(app)) == {"redirect-uri-missing", "session-secure"}
    inner = app.wsgi_app
    for layer, codes_left in [
        (ProxyFix(inner, x_proto=0), 2),
        (ProxyFix(inner), 0),
        (SimpleNamespace(wsgi_app=ProxyFix(inner), app=app), 0),  # as in Flask-Sockets
        (SimpleNamespace(app=app), 2),
    ]:
        app.wsgi_app = layer  # type: ignore[assignment, method-assign]
        assert len(codes(app)) == codes_left


def test_middleware_that_leads_back_to_itself() -> None:
    app, circle = good_app(**SECURE), SimpleNamespace()
    circle.app = circle
    app.wsgi_app = circle  # type: ignore[assignment, method-assign]
    assert codes(app) == ["redirect-uri-missing"]


def any_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


#: What the fixes of one kind may meet in another's.
CONFIGS = st.fixed_dictionaries(
    {
        "ALTDENTIFIER_BASE_URL": any_of("https://altdentifier.com", "http://127.0.0.1:8400"),
        "ALTDENTIFIER_REDIRECT_URI": any_of(
            None,
            PUBLIC,
            LOCAL,
            "https://www.shop.example/shop/callback",
            "http://shop.example:80/?a=b",
            "http://localhost:5000/x",
            "https://localhost/callback",
            "http://[::1]:5000/callback",
        ),
        "APPLICATION_ROOT": any_of("/", "/shop"),
        "PREFERRED_URL_SCHEME": any_of("http", "https"),
        "SERVER_NAME": any_of(None, "shop.example", "in:8000", "localhost:5000"),
        "SESSION_COOKIE_DOMAIN": any_of(None, ".shop.example", "www.shop.example", "other.example"),
        "SESSION_COOKIE_NAME": any_of("session", "__Host-session", "__Secure-session"),
        "SESSION_COOKIE_PATH": any_of(None, "/", "/shop", "/callback"),
        "SESSION_COOKIE_SAMESITE": any_of(None, "Lax", "strict", "None"),
        "SESSION_COOKIE_SECURE": st.booleans(),
        "TESTING": st.booleans(),
        "TRUSTED_HOSTS": any_of(None, [], ["shop.example"], [".shop.example"], ["localhost"]),
    }
)


def fixed(config: dict[str, Any], found: list[Finding]) -> dict[str, Any]:
    """Return *config* with all fixes applied, of which no two may be about one key."""
    new: dict[str, Any] = {}
    for problem in found:
        line = re.fullmatch(r"([A-Z_]+) = (.*?)(?:  #.*)?", problem.fix)
        if line is None:
            name, _, value = problem.fix.partition("=")
            assert name == "FLASK_RUN_HOST"
            os.environ[name] = value
            continue
        key, value = line[1], ast.literal_eval(line[2])
        assert new.setdefault(key, value) == value, f"two fixes of {key}"
    return config | new


def with_host(config: dict[str, Any]) -> dict[str, Any]:
    """Do what a person does who knows the host."""
    uri = config["ALTDENTIFIER_REDIRECT_URI"] or ""
    if "YOUR-HOST" not in uri:
        return config
    host = (config["SESSION_COOKIE_DOMAIN"] or "shop.example").lstrip(".")
    trusted, server = config["TRUSTED_HOSTS"], config["SERVER_NAME"]
    assume(trusted is None or host in trusted or f".{host}" in trusted)
    assume(server in {None, host} or config["SESSION_COOKIE_DOMAIN"])
    return config | {"ALTDENTIFIER_REDIRECT_URI": uri.replace("YOUR-HOST", host)}


@settings(max_examples=200)
@given(CONFIGS, st.booleans())
def test_fixes_agree(config: dict[str, Any], production: bool) -> None:
    """All fixes together leave no finding: none undoes another, or calls for one."""

    def check(config: dict[str, Any]) -> list[Finding]:
        app = good_app(**{"ALTDENTIFIER_STORE": OwnStore()} | config)
        return check_app(app, offline=True, production=production)

    with mock.patch.dict(os.environ):
        os.environ.pop("FLASK_RUN_HOST", None)
        found = check(config)
        left = {problem.code for problem in check(with_host(fixed(config, found)))}
        if any(problem.code == "redirect-uri-missing" for problem in found):
            left -= {"development-mode", "sandbox-url"}  # now the app is known to be in production
        assert left == set()
