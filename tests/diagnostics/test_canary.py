"""`flask altdentifier check --site`: each planted cause is named, and a good site passes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cachelib import SimpleCache
from flask import redirect, request
from flask_session import Session
from werkzeug.http import http_date

from flask_altdentifier import errors
from flask_altdentifier.diagnostics.browser import Cookie
from flask_altdentifier.diagnostics.canary import LOGINS
from flask_altdentifier.stores import MemoryStore

from ..servers.process import free_port
from ..support import bare_app, make_app
from .apps import CREDENTIALS, PUBLIC, OwnStore, flask_command
from .sites import WSGI, Handler, alternating, answering, proxy, serve, visit

Patch = pytest.MonkeyPatch


def site(**config: Any) -> Any:
    return make_app(**CREDENTIALS | config).wsgi_app


def found(monkeypatch: Patch, app: WSGI, url: str = "https://shop.example") -> list[str]:
    return [problem.code for problem in visit(monkeypatch, app, url).findings]


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({}, "https://shop.example"),
        ({"ALTDENTIFIER_REDIRECT_URI": PUBLIC}, "https://www.shop.example/"),
        ({"SESSION_COOKIE_DOMAIN": ".shop.example"}, "https://www.shop.example"),
        (
            {"SESSION_COOKIE_DOMAIN": "shop.example", "ALTDENTIFIER_REDIRECT_URI": PUBLIC + "?a=b"},
            "https://www.shop.example",
        ),
    ],
)
def test_good_site_passes(monkeypatch: Patch, config: dict[str, Any], url: str) -> None:
    """The cookie of a load balancer is none of our business."""
    app = site(**config)

    def balanced(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        first = ("Set-Cookie", "balancer=1; Path=/")
        return app(environ, lambda status, headers, *rest: start(status, [first, *headers], *rest))

    canary = visit(monkeypatch, balanced, url)
    assert (canary.findings, canary.passed) == ([], LOGINS)


@pytest.mark.parametrize(
    ("config", "url", "code"),
    [
        ({"SESSION_COOKIE_SECURE": True}, "http://shop.example", "site-cookie-secure"),
        ({"SESSION_COOKIE_PATH": "/shop"}, "https://shop.example", "site-cookie-path"),
        ({"SESSION_COOKIE_DOMAIN": "other.example"}, "https://shop.example", "site-cookie-domain"),
        ({"SESSION_COOKIE_DOMAIN": "example"}, "https://shop.example", "site-cookie-domain"),
        (
            {"ALTDENTIFIER_REDIRECT_URI": "https://other.example/callback"},
            "https://shop.example",
            "site-redirect-host",
        ),
        (
            {"ALTDENTIFIER_REDIRECT_URI": "https://shop.example:8443/callback"},
            "https://shop.example",
            "site-redirect-host",
        ),
        (
            {"ALTDENTIFIER_REDIRECT_URI": "https://shop.example/elsewhere"},
            "https://shop.example",
            "site-callback",
        ),
        ({"TRUSTED_HOSTS": ["other.example"]}, "https://shop.example", "site-error"),
        ({}, "http://shop.example/login", "site-http"),
    ],
)
def test_config_is_named(monkeypatch: Patch, config: dict[str, Any], url: str, code: str) -> None:
    assert found(monkeypatch, site(**config), url) == [code]


@pytest.mark.parametrize("location", ["/login?next=/x", "https://shop.example/login?next=/x"])
def test_hook_that_redirects_the_callback_is_named(monkeypatch: Patch, location: str) -> None:
    """As in an app that listed the open endpoints of its old login."""
    app = make_app(**CREDENTIALS)

    @app.before_request
    def guard() -> Any:
        return redirect(location) if request.endpoint == "altdentifier.callback" else None

    [problem] = visit(monkeypatch, app.wsgi_app).findings
    assert problem.code == "site-callback"
    assert "(302 to https://shop.example/login)" in problem.title
    assert "protect(app)" in problem.fix


def _drop(*names: str) -> Callable[[str, str], str | None]:
    return lambda name, value: None if name in names else value


def _rewrite(text: str, new: str) -> Callable[[str, str], str | None]:
    return lambda _, value: value.replace(text, new)


IN_AN_HOUR = http_date(time.time() + 3600)


def rewrite_request(**changes: str) -> Callable[[WSGI], WSGI]:
    names = {"scheme": "wsgi.url_scheme", "host": "HTTP_HOST"}
    new = {names[name]: value for name, value in changes.items()}
    return lambda app: proxy(app, lambda environ: environ.update(new))


SSO, HTTP = "https://sso.example/", "http://shop.example/login"
STRICT = _rewrite("SameSite=Lax", "SameSite=Strict")


@pytest.mark.parametrize(
    ("behind", "code"),
    [
        (lambda app: proxy(app, lambda e: e.pop("HTTP_COOKIE", None)), "site-cookie-dropped"),
        (lambda app: proxy(app, header=_drop("Set-Cookie")), "site-cookie-missing"),
        (lambda app: proxy(app, header=STRICT), "site-cookie-samesite"),
        (rewrite_request(scheme="http"), "site-redirect-scheme"),
        (rewrite_request(host="10.0.0.5:8000"), "site-redirect-host"),
        (rewrite_request(host="www.shop.example"), "site-www"),
        (answering("429 Too Many", "/login"), "site-blocked"),
        (answering("403 Forbidden", "/login"), "site-blocked"),
        (answering("403 Forbidden", "/callback"), "site-blocked"),
        (answering("502 Bad Gateway", "/login"), "site-error"),
        (answering("404 Not Found", "/login"), "site-no-login"),
        (answering("200 OK", "/login"), "site-no-login"),
        (answering("302 Found", "/login", Location=SSO), "site-login-elsewhere"),
        (answering("302 Found", "/login", Location="/login"), "site-login-elsewhere"),
        (answering("302 Found", "/login", Location=HTTP), "site-redirect-scheme"),
    ],
)
def test_proxy_is_named(monkeypatch: Patch, behind: Callable[[WSGI], WSGI], code: str) -> None:
    assert found(monkeypatch, behind(site())) == [code]


@pytest.mark.parametrize(
    ("config", "behind", "url", "leads_to", "fix"),
    [
        (
            {},
            rewrite_request(scheme="http"),
            "https://shop.example",
            "http://shop.example/callback",
            f'ALTDENTIFIER_REDIRECT_URI = "{PUBLIC}"',
        ),
        (
            {"ALTDENTIFIER_REDIRECT_URI": PUBLIC},
            lambda app: app,
            "http://shop.example",
            PUBLIC,
            "http://shop.example ",
        ),
        (
            {},
            answering("302 Found", "/login", Location=HTTP),
            "https://shop.example",
            HTTP,
            "https://shop.example/login",
        ),
    ],
)
def test_scheme_that_changes_is_named_with_its_fix(
    monkeypatch: Patch,
    config: dict[str, Any],
    behind: Callable[[WSGI], WSGI],
    url: str,
    leads_to: str,
    fix: str,
) -> None:
    [problem] = visit(monkeypatch, behind(site(**config)), url).findings
    assert problem.code == "site-redirect-scheme"
    named = [link.rstrip(".") for link in re.findall(r"https?://\S+", problem.title)]
    assert named == [f"{url}/login", leads_to]
    assert fix in problem.fix


def test_redirect_uri_on_another_host_stays_https(monkeypatch: Patch) -> None:
    app = site(ALTDENTIFIER_REDIRECT_URI="https://other.example/callback")
    [problem] = visit(monkeypatch, app, "http://shop.example").findings
    assert (problem.code, PUBLIC in problem.fix) == ("site-redirect-host", True)


ESCAPE, PASTED = "\x1b[2J", '";import os;x="'


@pytest.mark.parametrize(
    ("location", "code"),
    [
        (f"http://shop.example/{PASTED}{ESCAPE}", "site-redirect-scheme"),
        ("?" + urlencode({"redirect_uri": f"https://a/{PASTED}{ESCAPE}"}), "site-redirect-host"),
        ("?" + urlencode({"redirect_uri": "https://shop.example/"}), "site-cookie-path"),
    ],
)
def test_hostile_site_writes_neither_to_the_terminal_nor_into_a_fix(
    monkeypatch: Patch, location: str, code: str
) -> None:
    location += "&client_id=a&state=b" * location.startswith("?")
    cookie = f"altdentifier_a_state_b=c; Path=/x{ESCAPE}"
    app = answering("302 Found", "/login", Location=location, **{"Set-Cookie": cookie})
    [problem] = visit(monkeypatch, app(site())).findings
    assert problem.code == code
    assert (problem.title + problem.fix).isprintable()
    assert PASTED not in problem.fix


@pytest.mark.parametrize(
    ("path", "location", "code"),
    [
        ("/login", "http://[", "site-login-elsewhere"),
        ("/login", "https://shop.example:99999/", "site-login-elsewhere"),
        ("/login", "?client_id=a&state=b&redirect_uri=http://[", "site-callback"),
        ("/callback", "http://[", "site-callback"),
    ],
)
def test_malformed_location_is_named(
    monkeypatch: Patch, path: str, location: str, code: str
) -> None:
    app = answering("302 Found", path, Location=location)
    [problem] = visit(monkeypatch, app(site())).findings
    assert problem.code == code
    assert location.rpartition("=")[2] in problem.title


def test_clock_is_named(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Handler, "date_time_string", lambda *_: IN_AN_HOUR)
    assert found(monkeypatch, site()) == ["site-clock"]


def test_clock_of_a_worker_is_named_by_its_cookies(monkeypatch: Patch) -> None:
    def shift(name: str, value: str) -> str:
        first, separator, rest = value.partition("Expires=")
        if name != "Set-Cookie" or "_state_" not in value or "Max-Age=0" in value:
            return value
        return first + separator + IN_AN_HOUR + rest[len(IN_AN_HOUR) :]

    assert found(monkeypatch, proxy(site(), header=shift)) == ["site-clock"]


@pytest.mark.parametrize("lifetime", ["\xb2", "9" * 5000])
def test_lifetime_of_a_cookie_that_is_no_number_is_ignored(
    monkeypatch: Patch, lifetime: str
) -> None:
    def other(name: str, value: str) -> str:
        return (
            re.sub("Max-Age=[1-9][0-9]*", f"Max-Age={lifetime}", value)
            if name == "Set-Cookie"
            else value
        )

    assert found(monkeypatch, proxy(site(), header=other)) == []


def test_store_of_one_worker_is_named(monkeypatch: Patch) -> None:
    canary = visit(monkeypatch, alternating(site(), site()))
    [problem] = canary.findings
    assert problem.code == "site-store-private"
    assert f"{LOGINS - canary.passed} of {LOGINS}" in problem.title


def test_session_of_one_worker_is_named(monkeypatch: Patch) -> None:
    store = MemoryStore()

    def worker() -> Any:
        cache = {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": SimpleCache()}
        app = make_app(**CREDENTIALS | cache, ALTDENTIFIER_STORE=store)
        Session(app)
        return app.wsgi_app

    canary = visit(monkeypatch, alternating(worker(), worker()))
    assert [problem.code for problem in canary.findings] == ["site-session-private"]
    assert canary.passed == LOGINS


def test_cached_login_is_named(monkeypatch: Patch) -> None:
    kept: dict[str, Any] = {}
    app = site()

    def cache(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] != "/login":
            return app(environ, start)
        if not kept:
            kept["body"] = list(app(environ, lambda *a: kept.update(start=a)))
        start(*kept["start"])
        return kept["body"]

    canary = visit(monkeypatch, cache)
    assert [problem.code for problem in canary.findings] == ["site-cached"]


def test_store_that_is_down_is_named(monkeypatch: Patch) -> None:
    class Down(OwnStore):
        def set(self, key: str, value: str, ttl: float) -> None:
            raise ConnectionError

    assert found(monkeypatch, site(ALTDENTIFIER_STORE=Down())) == ["site-store-down"]


def test_ignored_failure_is_no_all_clear() -> None:
    with serve(site(), tls=False) as port:
        arguments = ["altdentifier", "check", "--site", f"http://127.0.0.1:{port}/no-login"]
        arguments += ["--ignore", "site-no-login"]
        text, as_json = flask_command(*arguments), flask_command(*arguments, "--json")
    assert "0 of 1" in text.output
    assert " other " in text.output
    assert as_json.output == "[]\n"
    assert (text.exit_code, as_json.exit_code) == (1, 1)


def test_sandbox_does_not_end_the_run(monkeypatch: Patch) -> None:
    canary = visit(monkeypatch, site(ALTDENTIFIER_BASE_URL="http://127.0.0.1:8400"))
    assert [problem.code for problem in canary.findings] == ["site-sandbox"]
    assert f"{LOGINS} of {LOGINS}" in canary.summary


@pytest.mark.parametrize("body", ["Oops", '["reason"]', '{"reason": 7}'])
def test_error_page_of_the_app_hides_the_answer(monkeypatch: Patch, body: str) -> None:
    app = make_app(**CREDENTIALS)
    app.register_error_handler(errors.AltDentifierError, lambda _: (body, 418))
    assert found(monkeypatch, app.wsgi_app) == ["site-own-page"]


def test_untrusted_certificate_is_named(monkeypatch: Patch) -> None:
    canary = visit(monkeypatch, site(), trust=False)
    assert [problem.code for problem in canary.findings] == ["site-tls"]
    canary = visit(monkeypatch, site(), "https://other.example")
    assert [problem.code for problem in canary.findings] == ["site-tls"]


def test_site_that_does_not_speak_tls_is_named() -> None:
    with serve(site(), tls=False) as port:
        result = flask_command("altdentifier", "check", "--site", f"https://127.0.0.1:{port}")
    assert "error site-tls" in result.output


def test_site_that_is_down_is_named() -> None:
    port = free_port()
    site_url = f"http://127.0.0.1:{port}"
    result = flask_command("altdentifier", "check", "--site", site_url, "--json")
    assert result.exit_code == 1
    assert [problem["code"] for problem in json.loads(result.output)] == ["site-unreachable"]


def test_cookies_do_not_follow_a_redirect_to_another_host(monkeypatch: Patch) -> None:
    hosts: list[tuple[str, str | None]] = []

    def edge(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        hosts.append((environ["HTTP_HOST"], environ.get("HTTP_COOKIE")))
        headers = [("Set-Cookie", "a=b"), ("Location", "https://www.shop.example/login")]
        start("302 Found", headers if len(hosts) == 1 else [])
        return [b""]

    assert found(monkeypatch, edge) == ["site-login-elsewhere"]
    assert hosts[0] == ("shop.example", None)
    assert set(hosts[1:]) == {("www.shop.example", None)}


@pytest.mark.parametrize(
    ("header", "is_deleted"), [("a=; Path=/x", True), ("a=b; Max-Age=0", True), ("a=b", False)]
)
def test_expired_or_empty_cookie_counts_as_deleted(header: str, is_deleted: bool) -> None:
    assert Cookie.parse(header).is_deleted is is_deleted


def test_repr_of_a_cookie_hides_its_value() -> None:
    assert "hush" not in repr(Cookie.parse("name=hush; Path=/"))


SERVED = """
from flask import Flask
from flask_altdentifier import blueprint
app = Flask(__name__)
app.config.update(ALTDENTIFIER_CLIENT_ID="8812403", ALTDENTIFIER_CLIENT_SECRET="Zq7dT0vXc3lN2rKe")
app.config["ALTDENTIFIER_STORE"] = {store!r}
app.register_blueprint(blueprint)
"""


@pytest.mark.server
@pytest.mark.parametrize(("store", "code"), [("memory://", "site-store-private"), (None, None)])
def test_two_gunicorn_workers(tmp_path: Path, store: str | None, code: str | None) -> None:
    """The memory of one worker is no store. A file is one for all of them."""
    (tmp_path / "served.py").write_text(
        SERVED.format(store=store or f"sqlite:///{tmp_path}/logins.sqlite3")
    )
    port = free_port()
    gunicorn = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-w2", f"-b127.0.0.1:{port}", "served:app"],
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        arguments = ("altdentifier", "check", "--site", f"http://127.0.0.1:{port}", "--json")
        while "site-unreachable" in (output := flask_command(*arguments).output):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert [problem["code"] for problem in json.loads(output)] == ([code] if code else [])
    finally:
        os.kill(gunicorn.pid, signal.SIGTERM)
        gunicorn.wait(30)


def test_bare_app_is_no_site(monkeypatch: Patch) -> None:
    assert found(monkeypatch, bare_app().wsgi_app) == ["site-no-login"]
