"""`flask altdentifier dev`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from typing import Any, cast
from urllib.parse import urlsplit

import click
import flask.cli
import pytest
from flask import Flask
from werkzeug.serving import BaseWSGIServer

from flask_altdentifier import blueprint, dev_server, sandbox, webhooks
from flask_altdentifier.diagnostics.browser import Browser
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.sandbox import sandbox_state

from .diagnostics.apps import flask_command
from .servers.process import free_port, wait_until
from .support import state_of

THREE_LINES = """
from flask import Flask
from flask_altdentifier import blueprint, current_grant, requires_scope

app = Flask(__name__)
app.config.from_prefixed_env()
app.register_blueprint(blueprint)

@app.get("/me")
@requires_scope("read:user")
def me():
    return sorted(current_grant.scope)
"""


class Served:
    """What `run_dev_server` would have served."""

    app: Any = None
    sandbox: Flask

    @property
    def client(self) -> Any:
        [client] = sandbox_state(self.sandbox).clients.values()
        return client


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    served = Served()
    monkeypatch.setattr(Flask, "config_class", Flask.config_class)
    monkeypatch.setenv("FLASK_DEBUG", "0")
    monkeypatch.setenv(dev_server._VARIABLE, "")
    monkeypatch.delenv("WERKZEUG_RUN_MAIN", raising=False)

    def make_server(port: int, clients: Any) -> BaseWSGIServer:
        server = sandbox.make_server(port, clients)
        served.sandbox = cast("Flask", server.app)
        return server

    def serve_app(_host: str, _port: int, app: Any, **_: Any) -> None:
        served.app = app

    monkeypatch.setattr(BaseWSGIServer, "serve_forever", BaseWSGIServer.server_close)
    monkeypatch.setattr(dev_server, "make_server", make_server)
    monkeypatch.setattr(flask.cli, "run_simple", serve_app)
    return served


def create_app(**config: Any) -> Flask:
    app = Flask("shop")
    app.config.update(config)
    app.register_blueprint(blueprint)
    return app


def test_missing_values_are_made_up(served: Served) -> None:
    """None, as `os.environ.get()` returns it, counts as missing."""
    dev_server.run_dev_server(lambda: create_app(ALTDENTIFIER_CLIENT_SECRET=None), 0, 0)
    config = state_of(served.app).config
    assert served.client.client_id == config.client_id == "dev-app"
    assert served.client.client_secret == config.client_secret
    assert len(config.client_secret) > 20


def test_values_of_the_app_are_used(served: Served) -> None:
    own = {"ALTDENTIFIER_CLIENT_ID": "own", "ALTDENTIFIER_CLIENT_SECRET": "hush"}
    dev_server.run_dev_server(lambda: create_app(**own), 0, 0)
    assert (served.client.client_id, served.client.client_secret) == ("own", "hush")


def reload(served: Served, monkeypatch: pytest.MonkeyPatch, app: Any) -> Any:
    """Load the app as the reloader does, in a process of its own."""
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    dev_server.run_dev_server(app, 0, 0)
    return served.app


def test_reloaded_app_uses_the_same_sandbox(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The config of production does not matter: the login returns to where the browser is."""
    config = {
        "ALTDENTIFIER_REDIRECT_URI": "https://shop.example/callback",
        "ALTDENTIFIER_WEBHOOK_SECRET": "real",
    }

    def load() -> Flask:
        app = create_app(**config)
        app.register_blueprint(webhooks.blueprint, url_prefix="/events")
        return app

    dev_server.run_dev_server(load, 0, 0)
    first, shared = served.app, json.loads(os.environ[dev_server._VARIABLE])
    assert served.client.webhook_url.endswith("/events/webhook")
    app = reload(served, monkeypatch, load)
    state = state_of(app)
    assert app is not first
    assert state.config.base_url == shared["base_url"] == app.config["ALTDENTIFIER_BASE_URL"]
    assert state.key_prefix != state_of(first).key_prefix  # a login here is none in production
    assert state.config.redirect_uri is None
    assert dev_server.LOCAL_CONFIG.items() <= app.config.items()
    hosts = {"localhost": 404, "shop.localhost": 404, "127.0.0.1": 404, "evil.example": 400}
    client = app.test_client()
    assert {h: client.get("/x", headers={"Host": f"{h}:5000"}).status_code for h in hosts} == hosts
    assert state.config.webhook_secret == (served.client.webhook_secret,) != ("real",)
    assert state.config.client_secret == served.client.client_secret


def test_app_finds_the_made_up_values_in_its_config(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev_server.run_dev_server(create_app, 0, 0)
    config = reload(served, monkeypatch, create_app).config
    assert config["ALTDENTIFIER_CLIENT_ID"] == served.client.client_id
    assert config["ALTDENTIFIER_CLIENT_SECRET"] == served.client.client_secret
    assert config["ALTDENTIFIER_WEBHOOK_SECRET"] == served.client.webhook_secret


def test_other_client_after_a_reload_is_reported(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dev_server.run_dev_server(create_app, 0, 0)
    reload(served, monkeypatch, lambda: create_app(ALTDENTIFIER_CLIENT_ID="other"))
    assert "Fix:" in capsys.readouterr().out


def test_app_that_is_broken_after_a_reload_is_shown(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev_server.run_dev_server(create_app, 0, 0)
    app = reload(served, monkeypatch, lambda: create_app(ALTDENTIFIER_SCOPE=7))
    with pytest.raises(ConfigError):
        app({}, lambda *_: None)


@pytest.mark.parametrize(
    ("paths", "first"),
    [
        ([], "/"),
        (["/me"], "/me"),
        (["/me", "/"], "/"),
        (["/users/<name>", "/me", "/other"], "/me"),
    ],
)
def test_first_page_of_the_app_is_printed(
    served: Served, capsys: pytest.CaptureFixture[str], paths: list[str], first: str
) -> None:
    """Not a static file, a page of ours, a form or a page that needs a value."""

    def load() -> Flask:
        app = create_app()
        app.add_url_rule("/form", "form", methods=["POST"])
        for path in paths:
            app.add_url_rule(path, path.strip("/<>"))
        return app

    dev_server.run_dev_server(load, 0, 0)
    url = capsys.readouterr().out.split()[1]
    assert urlsplit(url).path == first


@pytest.mark.parametrize(
    ("base_url", "port"),
    [("http://127.0.0.1:{}", None), ("https://altdentifier.com", "option")],
)
def test_port_of_the_sandbox(served: Served, base_url: str, port: str | None) -> None:
    free = free_port()
    url = base_url.format(free)
    option = free if port else None
    dev_server.run_dev_server(lambda: create_app(ALTDENTIFIER_BASE_URL=url), 0, option)
    assert json.loads(os.environ[dev_server._VARIABLE])["base_url"] == f"http://127.0.0.1:{free}"


@pytest.mark.parametrize(
    ("load", "text"),
    [
        (lambda: Flask("shop"), "register_blueprint"),
        (lambda: create_app(ALTDENTIFIER_TIMEOUT="x"), "ALTDENTIFIER_TIMEOUT"),
        (lambda: os.environ["NOT_SET"], "KeyError"),
    ],
)
def test_app_that_cannot_run_is_one_line(served: Served, load: Any, text: str) -> None:
    with pytest.raises(click.ClickException) as caught:
        dev_server.run_dev_server(load, 0, 0)
    assert text in caught.value.message
    assert "Fix:" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("option", ["--port", "--sandbox-port"])
def test_used_port_is_one_line(served: Served, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        used = other.getsockname()[1]
        ports = {"--port": 0, "--sandbox-port": 0} | {option: used}
        with pytest.raises(click.ClickException) as caught:
            dev_server.run_dev_server(create_app, ports["--port"], ports["--sandbox-port"])
    assert str(used) in caught.value.message
    assert f"{option}." in caught.value.message


def test_missing_app_is_one_line(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = flask_command("altdentifier", "dev", "--port", "0", "--sandbox-port", "0")
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)


class Terminal:
    """`flask altdentifier dev` in a terminal of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port, self.sandbox_port = free_port(), free_port()
        ports = ("--port", str(self.port), "--sandbox-port", str(self.sandbox_port))
        environment = {k: v for k, v in os.environ.items() if "FLASK" not in k}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flask", *options, "altdentifier", "dev", *ports],
            cwd=folder,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.output = ""

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, b""):
            self.output += line.decode()
            if text in self.output.splitlines()[-1]:
                return
        raise AssertionError(self.output)

    def processes(self) -> list[int]:
        """Return the processes that run in this terminal."""
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if _session(pid) == self.process.pid]

    def kill(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    def press_ctrl_c(self) -> None:
        """Send the signal that a terminal sends, to each process in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(30)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


@pytest.fixture
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    name, *options = request.param
    (tmp_path / name).write_text(
        THREE_LINES
        if name == "app.py"
        else THREE_LINES.replace("\napp =", "\ndef create_app(): return app\napp =")
    )
    # Processes inherit it if it is ignored, as in the background of a shell.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    terminal = Terminal(tmp_path, *options)
    signal.signal(signal.SIGINT, handler)
    deadline = Timer(60, terminal.kill)
    deadline.start()
    with terminal.process:
        yield terminal
        deadline.cancel()
        terminal.kill()


@pytest.mark.server
@pytest.mark.parametrize(
    "terminal", [("app.py",), ("other.py", "--app", "other:create_app()")], indirect=True
)
def test_three_lines_in_one_terminal(terminal: Terminal, tmp_path: Path) -> None:
    """A whole login, a change of the app, the same login, and Ctrl+C."""
    terminal.wait_for("Debugger PIN")
    app, browser = f"http://localhost:{terminal.port}", Browser()
    assert f"http://127.0.0.1:{terminal.sandbox_port}/" in terminal.output
    location = browser.visit(f"{app}/login?next=/me").headers["Location"]
    page = browser.visit(location)
    assert page.status == 200
    code = _allow(terminal, location)
    assert browser.visit(code).headers["Location"] == "/me"
    assert browser.visit(f"{app}/me").body.strip() == b'[\n  "read:user"\n]'
    source = next(tmp_path.glob("*.py"))
    source.write_text(source.read_text() + "\n# a change\n")
    terminal.wait_for("Debugger PIN")
    assert browser.visit(f"{app}/me").status == 200
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in terminal.processes()]
    # From Python 3.14, each also has multiprocessing's resource tracker, for Werkzeug's debugger.
    assert sum(b"altdentifier" in command for command in commands) == 2
    terminal.press_ctrl_c()
    wait_until(lambda: not terminal.processes(), "a process outlives Ctrl+C")


def _allow(terminal: Terminal, location: str) -> str:
    """Click on "Authorize" in the sandbox, and return where it leads."""
    connection = HTTPConnection("127.0.0.1", terminal.sandbox_port, timeout=10)
    target = location.partition(str(terminal.sandbox_port))[2]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", target, "granted=read:user&decision=allow", headers)
    response = connection.getresponse()
    connection.close()
    return str(response.headers["Location"])
