"""`flask altdentifier check` starts the app once more, and sees a random SECRET_KEY."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import Result

from flask_altdentifier.check import secret_key

from ..invariants.servers import eventually
from .checking import flask_command, good_app

#: An app that is good, but for its key; its lines may be replaced.
APP = """
import secrets
from pathlib import Path

from cachelib import FileSystemCache
from flask import Flask
from flask_altdentifier import blueprint
from flask_session import Session

place = Path(__file__).parent
with (place / "starts").open("a") as starts:
    starts.write("x")
first = (place / "starts").read_text() == "x"
print("hello")
app = Flask(__name__)
app.config.update(
    SECRET_KEY=secrets.token_hex(),
    SESSION_TYPE="cachelib",
    SESSION_CACHELIB=FileSystemCache(str(place / "sessions"), threshold=100_000),
    SESSION_REFRESH_EACH_REQUEST=False,
    ALTDENTIFIER_STORE=FileSystemCache(str(place / "logins"), threshold=100_000),
    ALTDENTIFIER_CLIENT_ID="a",
    ALTDENTIFIER_CLIENT_SECRET="b",
)
Session(app)
app.register_blueprint(blueprint)
"""
LAST = "app.register_blueprint(blueprint)\n"
Check = Callable[..., Result]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    """Write the app, with *replaced* for *line*, and check it."""
    name = f"app_{tmp_path.name}"

    def run(line: str = "", replaced: str = "", *, path: str = name) -> Result:
        (tmp_path / f"{name}.py").write_text(APP.replace(line, replaced))
        return flask_command("--app", path, "altdentifier", "check", "--offline")

    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")  # Flask sets it, and never takes it back
    monkeypatch.setenv("PYTHONPATH", str(Path(secret_key.__file__).parents[2]))
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.chdir(tmp_path)
    yield run
    sys.modules.pop(name, None)


def starts(place: Path) -> int:
    return len((place / "starts").read_text())


def test_key_of_each_start(check: Check, tmp_path: Path) -> None:
    """A key that each start makes anew is found, though one process cannot see it."""
    result = check()
    assert result.exit_code == 1
    printed, line = result.output.splitlines()
    assert printed == "hello"
    assert line.startswith("warning: secret-key-random: Each start of the app makes another SECRET")
    assert starts(tmp_path) == 2


@pytest.mark.parametrize("key", ["'always the same'", "'\\udcff'", "b'\\xff'", "12345"])
def test_key_that_stays(check: Check, tmp_path: Path, key: str) -> None:
    """A key that is the same for each start is good."""
    result = check("secrets.token_hex()", key)
    assert result.output == "hello\nNo mistakes found.\n"
    assert starts(tmp_path) == 2


def test_key_that_is_a_number(check: Check) -> None:
    """`from_prefixed_env` makes a number of digits."""
    assert "secret-key-random" in check("secrets.token_hex()", "secrets.randbits(128)").output


@pytest.mark.parametrize(("environ", "found"), [({}, True), ({"OWN_KEY": "x"}, False)])
def test_key_that_the_app_puts_into_the_environment(
    check: Check, environ: dict[str, str], found: bool
) -> None:
    """The second start inherits what was in the environment, not what the first put into it."""
    key = "__import__('os').environ.setdefault('OWN_KEY', secrets.token_hex())"
    with mock.patch.dict(os.environ, environ):
        assert ("secret-key-random" in check("secrets.token_hex()", key).output) is found


def test_app_of_a_factory(check: Check) -> None:
    """The second start goes by the same import path, with its arguments."""
    body = ("app.secret_key = key + secrets.token_hex()", LAST.strip(), "return app")
    factory = "def make(key):\n    " + "\n    ".join(body)
    path = f"app_{Path.cwd().name}:make('x')"
    assert "secret-key-random" in check(LAST, factory, path=path).output


def test_app_that_flask_finds(check: Check, tmp_path: Path) -> None:
    """No import path means app.py or wsgi.py, the second time too."""
    (tmp_path / "wsgi.py").write_text(APP)
    try:
        assert "secret-key-random" in flask_command("altdentifier", "check", "--offline").output
    finally:
        del sys.modules["wsgi"]


@pytest.mark.parametrize(
    "second",
    ["raise SystemExit(0)", "raise RuntimeError", "import time; time.sleep(60)"],
)
def test_second_start_that_fails(
    check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, second: str
) -> None:
    """A second start that ends or takes too long tells nothing."""
    communicate = subprocess.Popen.communicate

    def patiently(process: Any, given: Any = None, timeout: float | None = None) -> Any:
        eventually(lambda: starts(tmp_path) == 2, "the second start")  # the app's time alone counts
        return communicate(process, given, timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", patiently)
    monkeypatch.setattr(secret_key, "MAX_START", 0.5)
    assert check(LAST, f"{LAST}if not first: {second}\n").exit_code == 0
    assert starts(tmp_path) == 2


def test_second_start_that_goes_on(check: Check) -> None:
    """Threads of the app do not keep the second start alive."""
    threads = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"
    assert "secret-key-random" in check(LAST, f"{LAST}if not first: {threads}\n").output


def test_helper_of_the_second_start_that_goes_on(check: Check, tmp_path: Path) -> None:
    """A process that the app has started is not waited for, and may print."""
    helper = (
        "if not first:\n"
        "    import subprocess\n"
        "    helper = subprocess.Popen(['sh', '-c', 'while echo helping; do sleep 0.1; done'])\n"
        "    (place / 'helper').write_text(str(helper.pid))\n"
    )
    start = time.monotonic()
    try:
        assert "secret-key-random" in check(LAST, LAST + helper).output
    finally:
        os.kill(int((tmp_path / "helper").read_text()), signal.SIGTERM)
    assert time.monotonic() - start < secret_key.MAX_START


def test_no_python_to_start(check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where Python's own program is not known, nothing is told."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    assert check().exit_code == 0


@pytest.mark.parametrize("key", ["None", "''"])
def test_no_key(check: Check, tmp_path: Path, key: str) -> None:
    """Without a key there is no second start."""
    assert check("secrets.token_hex()", key).exit_code == 0
    assert starts(tmp_path) == 1


def test_whoever_develops(check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In debug mode there is one process, and no second start."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert check().exit_code == 0
    assert starts(tmp_path) == 1


def test_no_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that was not loaded by an import path cannot be started again."""
    monkeypatch.setattr(subprocess, "run", None)
    app = good_app(SECRET_KEY="x")
    app.testing = False
    result = app.test_cli_runner().invoke(args=["altdentifier", "check", "--offline"])
    assert "store-private" in result.output


def test_what_the_second_start_tells(
    check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It tells a digest, never the key, and ends at once."""

    class Ended(Exception):
        """The process would be gone."""

    def end(status: int) -> None:
        raise Ended(status)

    written: list[Any] = []
    monkeypatch.setattr(os, "write", lambda *given: written.append(given))
    monkeypatch.setattr(os, "_exit", end)
    (tmp_path / "wsgi.py").write_text(
        "from flask import Flask\napp = Flask('x')\napp.secret_key = 'k'"
    )
    for path in ("wsgi:app", ""):
        monkeypatch.setattr(sys, "argv", ["-c", path])
        with pytest.raises(Ended, match="0"):
            secret_key.tell()
    del sys.modules["wsgi"]
    assert written[0] == written[1]
    descriptor, told = written[0]
    assert descriptor == 1
    assert re.fullmatch(rb"SECRET_KEY: [0-9a-f]{64}", told)
