"""`python -m example_app` as its reader starts it: a process of its own, in a clean copy."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest

import example_app
import flask_altdentifier

from ..ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds after which a process that hangs is ended.
PATIENCE = 30


class Browser:
    """Keeps cookies and follows redirects."""

    def __init__(self) -> None:
        # Proxy settings of the machine are left out: all is on the loopback address.
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))
        self.url = ""

    def visit(self, url: str, form: dict[str, str] | None = None, accept: str = "text/html") -> int:
        """Get *url*, or post *form* to it, and return the status; `url` is where it ended."""
        data = None if form is None else urlencode(form).encode()
        request = Request(url, data, {"Accept": accept})  # noqa: S310
        try:
            answer = self.opener.open(request, timeout=10)
        except HTTPError as error:
            answer = error
        with answer:
            self.page = answer.read().decode()
            self.url = answer.url
            return int(answer.status)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """A function that starts `python -m example_app` in a copy of it."""
    source = Path(example_app.__file__).parent
    shutil.copytree(source, tmp_path / "example_app", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {
        "PYTHONPATH": str(Path(flask_altdentifier.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }

    def start(*options: str, **settings: str) -> subprocess.Popen[str]:
        # A shell that runs the tests in the background ignores Ctrl+C, and children inherit that.
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "example_app", *options],
                cwd=tmp_path,
                env=environment | settings,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
        finally:
            signal.signal(signal.SIGINT, ours)

    return start


@contextmanager
def ready(process: subprocess.Popen[str]) -> Iterator[str]:
    """Give what a process says when it is ready, and end it."""
    watchdog = Timer(PATIENCE, process.kill)
    watchdog.start()
    with process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if "Ctrl+C" in line:
                    break
            yield "".join(said)
        finally:
            process.kill()
            watchdog.cancel()
            watchdog.join()


def listens(port: int) -> bool:
    """Tell whether somebody listens on *port*."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def eventually(claim: Callable[[], bool]) -> bool:
    """Tell whether *claim* comes true in five seconds."""
    end = time.monotonic() + 5
    while not claim():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def sandbox_port(said: str) -> int:
    """Return the port of the sandbox that the app has named."""
    line = next(line for line in said.splitlines() if "sandbox" in line)
    port = urlsplit(line.split()[-1]).port
    assert port is not None
    return port


def test_login(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """Out of the box one can log in at the sandbox, step up and log out; Ctrl+C ends both."""
    port, other = free_ports(2)
    site, browser = f"http://127.0.0.1:{port}", Browser()
    process = start("--port", str(port), "--sandbox-port", str(other))
    with ready(process) as said:
        assert f"Open {site}/ and click “Log in with AltDentifier”." in said
        assert f"http://127.0.0.1:{other}/" in said
        assert eventually(lambda: listens(other))

        assert browser.visit(site) == 200
        assert f'href="http://127.0.0.1:{other}/"' in browser.page
        assert browser.visit(f"{site}/api/grant", accept="application/json") == 401

        assert browser.visit(f"{site}/profile") == 200
        assert browser.url.startswith(f"http://127.0.0.1:{other}/oauth2/authorize?")
        consent = {"decision": "allow", "granted": "read:user"}
        assert browser.visit(browser.url, consent) == 200
        assert browser.url == f"{site}/profile"
        assert browser.visit(f"{site}/api/grant", accept="application/json") == 200
        assert browser.visit(f"{site}/api/servers", accept="application/json") == 403

        assert browser.visit(f"{site}/servers") == 200
        assert browser.visit(browser.url, {"decision": "deny"}) == 403

        assert browser.visit(f"{site}/logout", {}) == 200
        assert browser.url == f"{site}/"
        assert browser.visit(f"{site}/api/grant", accept="application/json") == 401

        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert not listens(port)
        assert not listens(other)
        assert process.stdout is not None
        assert process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
    assert {path.name for path in tmp_path.iterdir()} == {"example_app", "instance"}


def test_events(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """Out of the box the sandbox's events reach the app: nothing has to be entered."""
    port, other = free_ports(2)
    site, sandbox, browser = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}", Browser()
    with ready(start("--port", str(port), "--sandbox-port", str(other))):
        assert eventually(lambda: listens(other))
        assert browser.visit(f"{site}/events") == 200
        consent = {"decision": "allow", "granted": "read:user"}
        assert browser.visit(browser.url, consent) == 200
        link = f"{sandbox}/oauth2/authorize?client_id=gatehouse&scope=write:integrations"
        assert browser.visit(link, {"decision": "allow"}) == 200
        for button, answer in {"passed": "204", "replay": "204", "bad-signature": "403"}.items():
            send = f"{sandbox}/webhooks/send?client_id=gatehouse"
            assert browser.visit(send, {"send": button}) == 200
            assert f"<strong>{answer} " in browser.page
        assert browser.visit(f"{site}/api/events", accept="application/json") == 200
        assert [event["title"] for event in json.loads(browser.page)["events"]] == [
            "Verification passed"
        ]
    assert {path.name for path in (tmp_path / "instance").iterdir()} == {
        "events",
        "logins",
        "sessions",
    }


def test_killed(start: Callable[..., subprocess.Popen[str]]) -> None:
    """A sandbox whose port is taken uses another, and does not outlive an app that is killed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        process = start("--port", str(*free_ports(1)), "--sandbox-port", str(wanted))
        with ready(process) as said:
            port = sandbox_port(said)
            assert port != wanted
            assert eventually(lambda: listens(port))
            process.kill()
            process.wait(PATIENCE)
            assert eventually(lambda: not listens(port))


def test_own_client(start: Callable[..., subprocess.Popen[str]]) -> None:
    """With a client id there is no sandbox, and the app says which redirect URI to register."""
    port, other = free_ports(2)
    settings = {"FLASK_ALTDENTIFIER_CLIENT_ID": "1", "FLASK_ALTDENTIFIER_CLIENT_SECRET": "2"}
    process = start("--port", str(port), "--sandbox-port", str(other), **settings)
    browser = Browser()
    with ready(process) as said:
        assert f"http://127.0.0.1:{port}/callback" in said
        assert "sandbox" not in said
        assert browser.visit(f"http://127.0.0.1:{port}/") == 200
        assert "sandbox" not in browser.page
        assert not listens(other)


def test_port_is_taken(start: Callable[..., subprocess.Popen[str]]) -> None:
    """An app whose port is taken says so in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = failure_of(start("--port", str(port)))
    assert message == f"Port {port} cannot be used. Choose another: --port {port + 1}\n"


def test_secret_is_missing(start: Callable[..., subprocess.Popen[str]]) -> None:
    """A client id without its secret is told in one line that names the key."""
    process = start("--port", str(*free_ports(1)), FLASK_ALTDENTIFIER_CLIENT_ID="1")
    message = failure_of(process)
    assert message.startswith("ALTDENTIFIER_CLIENT_SECRET is missing.")
    assert message.count("\n") == 1


def failure_of(process: subprocess.Popen[str]) -> str:
    """Return what a process says that fails, and nothing else."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert (process.returncode, out) == (1, "")
    return err
