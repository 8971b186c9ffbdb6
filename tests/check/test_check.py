"""`flask altdentifier check`, and what is logged while the app runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from cachelib import RedisCache, SimpleCache
from flask import Flask
from flask.cli import ScriptInfo

import flask_altdentifier
from flask_altdentifier import blueprint
from flask_altdentifier.check import EXAMPLES, broken, find, runtime
from flask_altdentifier.check.findings import FINDINGS
from flask_altdentifier.check.site import PROXY_SIGNS
from flask_altdentifier.errors import ConfigError, StoreUnavailable
from flask_altdentifier.settings import Settings

from ..support import altdentifier, bare_app, extension, make_app
from .checking import (
    CLOUD,
    LOCAL,
    SECURE,
    AnsweringRedis,
    flask_command,
    found_with,
    good_app,
    offline,
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out what the machine's own environment says, and what Flask adds to it."""
    for name in ("FLASK_RUN_HOST", *PROXY_SIGNS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")


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


def test_each_finding_is_found_somewhere() -> None:
    """No code is left over."""
    package = Path(flask_altdentifier.__file__).parent / "check"
    modules = [path for path in package.glob("*.py") if path.name != "findings.py"]
    source = "".join(path.read_text() for path in modules)
    assert [code for code in FINDINGS if f'"{code}"' not in source] == []


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
    assert len(altdentifier(app).requests) == 2


def test_command_says_it_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What findings tell does not stand in the log as well; afterwards, the log goes on."""
    (tmp_path / "store_down.py").write_text(
        "from cachelib import RedisCache\nfrom redis import Redis\n"
        "from tests.check.checking import QUICK, good_app\n"
        "store = RedisCache(Redis(port=1, **QUICK, retry=None))\n"
        "app = good_app(ALTDENTIFIER_STORE=store)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    result = flask_command("--app", "store_down", "altdentifier", "check", "--offline")
    [line] = result.output.splitlines()
    assert line.startswith("error: store-unreachable: ")
    app = good_app()
    altdentifier(app).status = 401
    result = app.test_cli_runner().invoke(args=["altdentifier", "check"])
    assert result.output.startswith("error: client-secret: ")
    assert caplog.messages == []
    find(app)
    [message] = caplog.messages
    assert "ALTDENTIFIER_CLIENT_SECRET" in message


def test_command_says_what_keeps_the_app_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app that cannot be loaded is a finding, too, one line or one object."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "no_app.py").write_text(
        "from flask import Flask\nfrom flask_altdentifier import blueprint\n"
        "def create_app(): Flask('x').register_blueprint(blueprint)\n"
    )
    result = flask_command("--app", "no_app", "altdentifier", "check")
    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("error: config: ALTDENTIFIER_CLIENT_ID is missing. ")
    assert line.endswith("""Mend: ALTDENTIFIER_CLIENT_ID = "the one on your application's page\"""")
    result = flask_command("--app", "no_app", "altdentifier", "check", "--json")
    assert result.exit_code == 1
    [finding] = json.loads(result.output)
    assert (finding["code"], finding["level"]) == ("config", "error")


def test_app_without_the_blueprint() -> None:
    """Where nothing is registered, that is the finding."""
    script = ScriptInfo(create_app=lambda: Flask("shop"))
    result = Flask("shop").test_cli_runner().invoke(blueprint.cli, ["check"], obj=script)
    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("error: config: flask_altdentifier is not set up in this app")
    assert line.endswith("app.register_blueprint(flask_altdentifier.blueprint)  # once")


def wrong(**config: Any) -> Callable[[], object]:
    def register() -> None:
        bare_app(**config).register_blueprint(blueprint)

    return register


@pytest.mark.parametrize(
    ("register", "mend"),
    [
        (wrong(ALTDENTIFIER_CLIENT_SECRET=7.5), "ALTDENTIFIER_CLIENT_SECRET = "),
        (wrong(ALTDENTIFIER_BASE_URL="x"), 'ALTDENTIFIER_BASE_URL = "https://altdentifier.com"'),
        (wrong(ALTDENTIFIER_STORE=7), "ALTDENTIFIER_STORE = RedisCache(Redis(..., socket_"),
        (wrong(SESSION_KEY_PREFIX=""), 'SESSION_KEY_PREFIX = "session:"'),
        (lambda: make_app().register_blueprint(blueprint, name="b"), "app.register_blueprint("),
    ],
)
def test_config_error_has_its_mend(register: Callable[[], object], mend: str) -> None:
    """Whatever keeps the app from starting has a line that mends it."""
    with pytest.raises(ConfigError) as caught:
        register()
    finding = broken(caught.value)
    assert finding.message == str(caught.value)
    assert finding.mend.startswith(mend)


def test_examples_are_taken() -> None:
    """Each key has a value that is taken as it is shown."""
    keys = {f"ALTDENTIFIER_{field.name.upper()}" for field in fields(Settings)}
    assert set(EXAMPLES) == keys | {"SESSION_KEY_PREFIX"}
    config = {key: eval(text) for key, text in EXAMPLES.items() if "..." not in text}  # noqa: S307
    assert Settings.from_config(config).redirect_uri == "https://YOUR-HOST/callback"


def look(app: Flask, **request: Any) -> None:
    extension(app).ways.clear()
    with app.test_request_context(**request):
        runtime.look()


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


@pytest.mark.parametrize("names", [("shop.example", "www.shop.example"), ("www.a.b", "a.b")])
def test_watch_sees_www(caplog: pytest.LogCaptureFixture, names: tuple[str, str]) -> None:
    """A login that is begun with `www.` and ends without it, or the other way, is told of."""
    host, other = names
    config = {"ALTDENTIFIER_REDIRECT_URI": f"https://{host}/callback"} | SECURE
    app = good_app(**config)
    for good in (host, "192.0.2.1", "inner", f"a.{host}"):
        look(app, base_url=f"https://{good}")
    domain = min(names, key=len)
    shared = good_app(**config, SESSION_COOKIE_DOMAIN=domain, SESSION_COOKIE_NAME="x")
    look(shared, base_url=f"https://{other}")
    assert logged(caplog) == []
    look(app, base_url=f"https://{other}")
    assert f"# let the server redirect all of {other} to {host}" in caplog.text
    assert logged(caplog) == ["redirect-host"]


def test_watch_sees_two_session_cookies(caplog: pytest.LogCaptureFixture) -> None:
    """Two cookies of one name come from two apps."""
    app = good_app()
    look(app, headers={"Cookie": "session=a; other=b"})
    assert logged(caplog) == []
    look(app, headers={"Cookie": "session=a; session=b"})
    assert 'Mend: SESSION_COOKIE_NAME = "shop_session"' in caplog.text
    assert logged(caplog) == ["session-name"]


def test_watch_sees_a_proxy(caplog: pytest.LogCaptureFixture) -> None:
    """A proxy that the app does not trust is told of, unless the redirect URI is set."""
    headers = {"X-Forwarded-Proto": "https"}
    look(good_app(ALTDENTIFIER_REDIRECT_URI=CLOUD, **SECURE), headers=headers)
    look(good_app(), headers={"X-Forwarded-Proto": "http"})
    assert logged(caplog) == []
    look(good_app(), headers=headers)
    assert 'Mend: ALTDENTIFIER_REDIRECT_URI = "https://YOUR-HOST/callback"' in caplog.text
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


@pytest.mark.parametrize("finder", ["in_caches", "_in_request"])
def test_watch_that_fails_ends_no_login(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, finder: str
) -> None:
    """A failure of the watch itself is logged once, without its text; the login goes on."""

    def fail(*_: object) -> None:
        raise RuntimeError("hidden")

    monkeypatch.setattr(runtime, finder, fail)
    client = good_app().test_client()
    for _ in range(2):
        assert client.get("/login").status_code == 302
    assert "RuntimeError" in caplog.text
    assert "hidden" not in caplog.text
    assert logged(caplog) == ["The set-up could not be looked at (RuntimeError)."]


def test_watch_lets_a_config_error_through() -> None:
    """Where there is no store, no login can begin."""
    app = good_app()
    app.config["SESSION_TYPE"] = "dynamodb"
    for _ in range(2):
        with pytest.raises(ConfigError):
            look(app)
