"""`flask altdentifier check`, and what is logged while the app runs."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache, RedisCache, SimpleCache
from flask import Flask
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.http import http_date
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_altdentifier import blueprint, check
from flask_altdentifier.check import find
from flask_altdentifier.errors import (
    AltDentifierError,
    ProviderError,
    ProviderTimeout,
    StoreUnavailable,
)
from flask_altdentifier.findings import FINDINGS, Finding
from flask_altdentifier.testing import sandbox_for

from .support import FakeAltDentifier, altdentifier, bare_app, extension, make_app

CLOUD = "https://shop.example/callback"
LOCAL = "http://127.0.0.1:5000/callback"
SECURE = {"SESSION_COOKIE_SECURE": True}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out what the machine's own environment says."""
    monkeypatch.delenv("FLASK_RUN_HOST", raising=False)
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)


def good_app(**config: Any) -> Flask:
    """An app in which nothing is wrong, but for *config*."""
    return make_app(**{"SESSION_REFRESH_EACH_REQUEST": False} | config)


def offline(app: Flask) -> list[Finding]:
    return find(app, offline=True)


def codes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found]


def found_with(**config: Any) -> list[str]:
    """Return the codes for a good app with *config*."""
    return codes(offline(good_app(**config)))


def test_good_app() -> None:
    """Nothing is found where nothing is wrong."""
    assert found_with() == []
    assert found_with(ALTDENTIFIER_REDIRECT_URI=CLOUD, **SECURE) == []
    assert found_with(ALTDENTIFIER_REDIRECT_URI=LOCAL) == []


def test_texts_are_whole() -> None:
    """Each code has a level, a sentence, and one line that mends it."""
    for code, (level, message, mend) in FINDINGS.items():
        assert code == code.lower()
        assert level in {"error", "warning"}
        assert message.endswith((".", ".)", "{problem}"))
        assert message[0].isupper() or message[0] == "{"
        assert mend
        assert "\n" not in message + mend


def test_command_prints_a_line_for_each_finding() -> None:
    """The command prints level, code, message and mend, and exits with 1."""
    run = make_app(SESSION_COOKIE_SAMESITE="Strict").test_cli_runner()
    result = run.invoke(args=["altdentifier", "check", "--offline"])
    assert result.exit_code == 1
    refresh, samesite = result.output.splitlines()
    assert refresh.startswith("warning: session-refresh: SESSION_REFRESH_EACH_REQUEST is True")
    assert refresh.endswith("Mend: SESSION_REFRESH_EACH_REQUEST = False")
    assert samesite.startswith("warning: session-samesite: ")


def test_command_is_coloured_on_a_terminal() -> None:
    """Colours are for terminals only."""
    run = make_app().test_cli_runner()
    arguments = ["altdentifier", "check", "--offline"]
    assert "\x1b[" in run.invoke(args=arguments, color=True).output
    assert "\x1b[" not in run.invoke(args=arguments).output


def test_command_prints_json() -> None:
    """`--json` prints a list of objects, an empty one where nothing is wrong."""
    app = make_app()
    arguments = ["altdentifier", "check", "--offline", "--json"]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 1
    assert json.loads(result.output) == [asdict(finding) for finding in offline(app)]
    assert list(json.loads(result.output)[0]) == ["code", "level", "message", "mend"]
    result = good_app().test_cli_runner().invoke(args=arguments)
    assert (result.exit_code, json.loads(result.output)) == (0, [])


def test_command_is_content() -> None:
    """A good app is told so, with exit code 0."""
    app = good_app()
    result = app.test_cli_runner().invoke(args=["altdentifier", "check"])
    assert (result.exit_code, result.output) == (0, "No mistakes found.\n")
    assert len(altdentifier(app).requests) == 1


def test_signed_cookie_sessions() -> None:
    """Flask's own sessions are named, and the store that they cannot give is not named again."""
    app = Flask("shop")
    app.config.update(ALTDENTIFIER_CLIENT_ID="a", ALTDENTIFIER_CLIENT_SECRET="b")
    app.register_blueprint(blueprint)
    assert codes(offline(app)) == ["session-cookie"]


def test_session_cookie_flags() -> None:
    """Flags of the session cookie that hurt are named."""
    assert found_with(SESSION_REFRESH_EACH_REQUEST=True) == ["session-refresh"]
    assert found_with(SESSION_COOKIE_SAMESITE="strict") == ["session-samesite"]
    assert found_with(SESSION_COOKIE_SAMESITE="Lax") == []
    assert found_with(SESSION_COOKIE_HTTPONLY=False) == ["session-httponly"]


def test_secure() -> None:
    """Secure belongs to https, and to nothing else."""
    assert found_with(ALTDENTIFIER_REDIRECT_URI=CLOUD) == ["session-secure"]
    assert found_with(PREFERRED_URL_SCHEME="https") == ["session-secure", "proxy"]
    assert found_with(ALTDENTIFIER_REDIRECT_URI=LOCAL, **SECURE) == ["session-secure-http"]


def test_signed_session_ids() -> None:
    """Signed session ids depend on SECRET_KEY, which workers may not share."""
    with pytest.warns(DeprecationWarning, match="use_signer"):
        app = good_app(SESSION_USE_SIGNER=True, SECRET_KEY="x")
    assert codes(offline(app)) == ["secret-key"]


@pytest.mark.parametrize(
    ("uri", "mended"),
    [
        ("https://shop.example/", "https://shop.example/shop/callback"),
        ("https://shop.example/shop/callback/?a=b", "https://shop.example/shop/callback"),
    ],
)
def test_redirect_uri_of_another_page(uri: str, mended: str) -> None:
    """The redirect URI must lead to the callback."""
    app = good_app(
        ALTDENTIFIER_REDIRECT_URI=uri,
        APPLICATION_ROOT="/shop",
        SESSION_COOKIE_PATH="/",
        **SECURE,
    )
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


def test_redirect_uri_over_http() -> None:
    """A redirect URI in the clear is for this machine only."""
    uri = "http://shop.example/callback"
    [finding] = offline(good_app(ALTDENTIFIER_REDIRECT_URI=uri))
    assert finding.code == "redirect-http"
    assert finding.mend == f'ALTDENTIFIER_REDIRECT_URI = "{CLOUD}"'


def test_redirect_uri_out_of_the_cookies_reach() -> None:
    """Path and domain of the cookies must hold the callback."""
    uri = {"ALTDENTIFIER_REDIRECT_URI": CLOUD} | SECURE
    assert found_with(**uri, APPLICATION_ROOT="/shop") == ["cookie-path"]
    assert found_with(**uri, SESSION_COOKIE_PATH="/call") == ["cookie-path"]
    assert found_with(**uri, SESSION_COOKIE_PATH="/callback") == []
    assert found_with(**uri, SESSION_COOKIE_DOMAIN="hop.example") == ["cookie-domain"]
    assert found_with(**uri, SESSION_COOKIE_DOMAIN=".Shop.example") == []


def test_redirect_uri_of_another_site() -> None:
    """The redirect URI must be on the site that the app says it is."""
    uri = {"ALTDENTIFIER_REDIRECT_URI": CLOUD} | SECURE
    https = {"PREFERRED_URL_SCHEME": "https"}
    assert found_with(**uri, **https, SERVER_NAME="shop.example") == []
    assert found_with(**uri, **https, SERVER_NAME="example") == []
    assert found_with(**uri, SERVER_NAME="shop.example") == ["redirect-scheme"]
    assert found_with(**https, ALTDENTIFIER_REDIRECT_URI=LOCAL) == ["redirect-scheme"]
    assert found_with(**uri, **https, SERVER_NAME="inner:8000") == ["redirect-host"]
    assert found_with(**uri, **https, SERVER_NAME="x", SESSION_COOKIE_DOMAIN="example") == []


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
    monkeypatch.setenv("FLASK_RUN_HOST", "localhost")
    assert offline(app) == []


def test_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something tells of a proxy, the app must know its public URL."""
    [finding] = offline(good_app(**SECURE))
    assert finding.code == "proxy"
    assert finding.message.startswith("SESSION_COOKIE_SECURE is set, but neither")
    assert finding.mend == 'ALTDENTIFIER_REDIRECT_URI = "https://YOUR-HOST/callback"'
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "10.0.0.1")
    app = good_app()
    assert codes(offline(app)) == ["proxy"]
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=0)  # type: ignore[method-assign]
    assert codes(offline(app)) == ["proxy"]
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    assert offline(app) == []
    inner = app.wsgi_app
    app.wsgi_app = type("Gzip", (), {"wsgi_app": inner})()  # type: ignore[method-assign]
    assert offline(app) == []


def test_unknown_keys() -> None:
    """Typos are named with what was meant, in the first word too."""
    app = good_app(
        ALTDENTIFIER_SCOPES="a", ALTIDENTIFIER_PKCE=True, ALTDENTIFIER_ZZZ=1, IDENTIFIER_ID=2
    )
    assert [finding.mend for finding in offline(app)] == [
        "ALTDENTIFIER_SCOPE = ...  # in place of ALTDENTIFIER_SCOPES",
        "# remove ALTDENTIFIER_ZZZ",
        "ALTDENTIFIER_PKCE = ...  # in place of ALTIDENTIFIER_PKCE",
    ]


class Forgetful(SimpleCache):
    """A cache that takes all and keeps nothing."""

    def get(self, key: str) -> Any:
        return None


def test_store_that_does_not_work() -> None:
    """The store must give back what it took."""
    [finding] = offline(good_app(ALTDENTIFIER_STORE=Forgetful(threshold=100_000)))
    assert finding.code == "store-unreachable"
    assert finding.mend.startswith("ALTDENTIFIER_STORE = ")


@pytest.mark.filterwarnings("ignore")
def test_store_that_is_down() -> None:
    """A server that does not answer is named by the key that leads to it."""
    client = Redis.from_url("redis://localhost:1", **QUICK, retry=None)
    app = good_app(SESSION_TYPE="redis", SESSION_REDIS=client)
    [finding] = offline(app)
    assert finding.code == "store-unreachable"
    assert finding.mend.startswith("SESSION_REDIS = ")


def test_sessions_that_give_no_store() -> None:
    """Sessions that no store can be derived from are named, with the key that is missing."""
    app = good_app()
    app.config["SESSION_TYPE"] = "dynamodb"
    [finding] = offline(app)
    assert finding.code == "store-config"
    assert "'dynamodb'" in finding.message
    assert finding.mend.startswith("ALTDENTIFIER_STORE = ")


def test_memory_of_one_process() -> None:
    """A `SimpleCache` is for one process; whoever develops or tests has one."""
    app = good_app()
    app.testing = False
    assert codes(offline(app)) == ["store-private"]
    app.debug = True
    assert offline(app) == []


def test_small_caches(tmp_path: Path) -> None:
    """A cache that is soon full drops logins; each one is named by its key."""
    files = FileSystemCache(str(tmp_path))
    app = good_app(SESSION_CACHELIB=SimpleCache(), ALTDENTIFIER_STORE=files)
    assert [finding.mend for finding in offline(app)] == [
        "ALTDENTIFIER_STORE = FileSystemCache(..., threshold=100_000)",
        "SESSION_CACHELIB = SimpleCache(..., threshold=100_000)",
    ]
    without_limit = FileSystemCache(str(tmp_path), threshold=0)
    assert found_with(ALTDENTIFIER_STORE=without_limit) == []


def test_default_files_of_flask_session(tmp_path: Path) -> None:
    """Flask-Session's deprecated "filesystem" has a key of its own for its small limit."""
    with pytest.warns(DeprecationWarning, match="FileSystem"):
        app = good_app(SESSION_TYPE="filesystem", SESSION_FILE_DIR=str(tmp_path))
    [finding] = offline(app)
    assert (finding.code, finding.mend) == ("cache-threshold", "SESSION_FILE_THRESHOLD = 100_000")


def test_sessions_and_logins_in_one_cache(tmp_path: Path) -> None:
    """Sessions push logins out of a file cache that both are in, under whatever name."""
    sessions = FileSystemCache(str(tmp_path), threshold=100_000)
    logins = FileSystemCache(f"{tmp_path}/.", threshold=100_000)
    app = good_app(SESSION_CACHELIB=sessions, ALTDENTIFIER_STORE=logins)
    assert offline(app) == []
    app.testing = False
    assert codes(offline(app)) == ["store-shared"]


class AnsweringRedis(Redis):  # type: ignore[type-arg, unused-ignore]
    """A Redis client whose server is a dict, and may be down."""

    down = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kept: dict[str, bytes] = {}

    def execute_command(self, *command: Any, **_: Any) -> Any:
        if self.down:
            raise ConnectionError
        match command:
            case ("SET", key, value, *_) | ("SETEX", key, _, value):
                self.kept[key] = value
                return True
            case "GET", key:
                return self.kept.get(key)
            case "DEL", key:
                return int(self.kept.pop(key, None) is not None)
        raise NotImplementedError(command)


QUICK: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
MEND = "Redis(..., socket_timeout=0.5, socket_connect_timeout=0.5, retry=None)"


def test_slow_redis_clients() -> None:
    """A Redis client must give up soon, in each place where one is used."""
    slow, quick = AnsweringRedis(), AnsweringRedis(**QUICK, retry=None)
    sessions: dict[str, Any] = {"SESSION_TYPE": "redis", "SESSION_REDIS": slow}
    [finding] = offline(good_app(**sessions))
    assert (finding.code, finding.mend) == ("redis-timeout", f"SESSION_REDIS = {MEND}")
    [finding] = offline(good_app(**sessions, ALTDENTIFIER_STORE=RedisCache(quick)))
    assert finding.mend == f"SESSION_REDIS = {MEND}"
    [finding] = offline(good_app(ALTDENTIFIER_STORE=RedisCache(AnsweringRedis())))
    assert finding.mend == f"ALTDENTIFIER_STORE = RedisCache({MEND})"
    assert found_with(SESSION_TYPE="redis", SESSION_REDIS=quick) == []


@pytest.mark.parametrize(
    ("retries", "found"), [(1, []), (10, ["redis-timeout"]), (-1, ["redis-timeout"])]
)
def test_redis_clients_that_try_again(retries: int, found: list[str]) -> None:
    """Short timeouts do not help where each is waited for many times."""
    client = AnsweringRedis(**QUICK, retry=Retry(NoBackoff(), retries))
    assert found_with(SESSION_TYPE="redis", SESSION_REDIS=client) == found


class AnyName:
    """A client like pymongo's, which has whatever attribute it is asked for, and no truth."""

    def __getattr__(self, name: str) -> AnyName:
        if name.startswith("_"):
            raise AttributeError(name)
        return AnyName()

    def __bool__(self) -> bool:
        raise NotImplementedError


def test_other_servers() -> None:
    """Clients of other servers are left alone."""
    app = good_app(ALTDENTIFIER_STORE=SimpleCache(threshold=100_000))
    app.session_interface = type("Sessions", (), {"client": AnyName()})()
    assert offline(app) == []


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (200, []),
        (302, []),
        (400, []),
        (404, ["client-id"]),
        (429, ["provider-error"]),
        (500, ["provider-error"]),
    ],
)
def test_what_the_provider_says(status: int, found: list[str]) -> None:
    """404 means that the client id is unknown; the rest of 4xx says nothing of it."""
    app = good_app()
    altdentifier(app).status = status
    assert codes(find(app)) == found
    assert altdentifier(app).requests == [
        (
            "GET",
            "/oauth2/authorize?client_id=the-client&scope=write:integrations",
            {"Accept": "text/html"},
            {},
        )
    ]


@pytest.mark.parametrize("error", [ProviderError, ProviderTimeout])
def test_provider_that_cannot_be_reached(error: type[AltDentifierError]) -> None:
    """A provider that does not answer is named, with the way to a sandbox where that is it."""
    app = good_app()
    altdentifier(app).error = error()
    [finding] = find(app)
    assert finding.code == "provider-unreachable"
    assert "altdentifier.com" in finding.mend
    app = good_app(ALTDENTIFIER_BASE_URL="http://127.0.0.1:8400")
    altdentifier(app).error = error()
    [finding] = find(app)
    assert finding.mend.startswith("flask altdentifier sandbox")


class LongPage(FakeAltDentifier):
    """An AltDentifier whose page is longer than the transport reads."""

    def request(self, method: str, target: str, **rest: Any) -> Any:
        self.error = ProviderError() if method == "GET" else None
        return super().request(method, target, **rest)


def test_page_that_is_too_long() -> None:
    """Where the page does not come whole, its head is asked for."""
    app = good_app()
    extension(app).transport = LongPage(status=404)
    assert codes(find(app)) == ["client-id"]


@pytest.mark.parametrize(
    ("offset", "words"), [(0, ""), (50, ""), (300, "seconds behind"), (-300, "seconds ahead of")]
)
def test_clock(offset: int, words: str) -> None:
    """The clock is compared with the provider's, where it tells the time."""
    app = good_app()
    altdentifier(app).headers = {"Date": http_date(time.time() + offset)}
    found = find(app)
    assert codes(found) == (["clock"] if words else [])
    assert all(words in finding.message for finding in found)


def test_sandbox_knows_the_app() -> None:
    """A check against the sandbox finds the client there."""
    app = good_app()
    with sandbox_for(app) as sandbox:
        assert find(app) == []
        sandbox.state.clients.clear()
        assert codes(find(app)) == ["client-id"]


def look(app: Flask, **request: Any) -> None:
    with app.test_request_context(**request):
        check.look()


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the codes that were logged since the last call."""
    found = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert {record.levelno for record in caplog.records} <= {logging.WARNING}
    caplog.clear()
    return found


def test_watch_logs_each_finding_once(caplog: pytest.LogCaptureFixture) -> None:
    """What the config shows is logged at the first look, and never again."""
    app = make_app(SESSION_CACHELIB=SimpleCache(), ALTDENTIFIER_A=1, ALTDENTIFIER_B=1)
    look(app)
    assert logged(caplog) == ["session-refresh", "unknown-key", "unknown-key", "cache-threshold"]
    for _ in range(2):
        look(app, base_url="https://localhost")
    assert logged(caplog) == ["session-secure"]
    look(good_app(ALTDENTIFIER_REDIRECT_URI=CLOUD), base_url="https://shop.example")
    assert logged(caplog) == ["session-secure"]


def test_watch_sees_two_names_of_this_machine(caplog: pytest.LogCaptureFixture) -> None:
    """A login that is begun on the other loopback name is told of."""
    app = good_app(ALTDENTIFIER_REDIRECT_URI=LOCAL)
    look(app, base_url="http://127.0.0.1:5000")
    look(app, base_url="http://shop.example")
    assert logged(caplog) == []
    look(app, base_url="http://localhost:5000")
    assert "# open the site on 127.0.0.1" in caplog.text
    assert logged(caplog) == ["localhost"]


def test_watch_sees_a_proxy(caplog: pytest.LogCaptureFixture) -> None:
    """A proxy that the app does not trust is told of, unless the redirect URI is set."""
    headers = {"X-Forwarded-Proto": "https"}
    look(good_app(ALTDENTIFIER_REDIRECT_URI=CLOUD, **SECURE), headers=headers)
    look(good_app(), headers={"X-Forwarded-Proto": "http"})
    assert logged(caplog) == []
    look(good_app(), headers=headers)
    assert logged(caplog) == ["proxy"]


def test_watch_looks_again_where_the_store_was_down(caplog: pytest.LogCaptureFixture) -> None:
    """A store that is down hides no finding for good."""
    client = AnsweringRedis()
    client.down = True
    app = make_app(ALTDENTIFIER_STORE=RedisCache(client))
    with pytest.raises(StoreUnavailable):
        look(app)
    client.down = False
    caplog.clear()
    look(app)
    assert logged(caplog) == ["session-refresh", "redis-timeout"]
