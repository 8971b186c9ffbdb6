"""WebKitGTK's MiniBrowser, on a display of its own, by W3C WebDriver."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from ..servers.process import Server, find_program, free_port, private_directory
from .driver import PATIENCE
from .webdriver import WebDriver, WebDriverError

BROWSERS = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
COMMANDS = {
    "AddCookie": ("POST", "/cookie"),
    "Back": ("POST", "/back"),
    "CloseWindow": ("DELETE", "/window"),
    "DeleteAllCookies": ("DELETE", "/cookie"),
    "DeleteSession": ("DELETE", ""),
    "ElementClick": ("POST", "/element/{id}/click"),
    "ExecuteScript": ("POST", "/execute/sync"),
    "FindElement": ("POST", "/element"),
    "GetCookies": ("GET", "/cookie"),
    "GetCurrentURL": ("GET", "/url"),
    "GetWindowHandle": ("GET", "/window"),
    "GetWindowHandles": ("GET", "/window/handles"),
    "Navigate": ("POST", "/url"),
    "NewWindow": ("POST", "/window/new"),
    "Refresh": ("POST", "/refresh"),
    "SwitchToWindow": ("POST", "/window"),
}


@contextmanager
def display() -> Iterator[str]:
    """Run an X server and yield its display."""
    reading, writing = os.pipe()
    command = [find_program("Xvfb"), "-displayfd", str(writing), "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as numbers:
            yield f":{numbers.readline().strip()}"
        server.terminate()


def find_browser() -> str:
    """Return the path of MiniBrowser, which is not on the PATH."""
    found = sorted(map(str, Path("/").glob(BROWSERS[1:])))
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {BROWSERS}")
    return found[-1]


class WebKit(WebDriver):
    """A MiniBrowser. All its windows are private ones, because WebDriver drives it."""

    prefetches = False  # `<link rel=prefetch>` is off, and there are no speculation rules

    def __init__(self, profile: Path, display: str) -> None:
        self._profile, self._display = profile, display
        port = free_port()
        # os.environ is inherited, so the display is an argument of `env`.
        command = ["env", f"DISPLAY={display}", find_program("WebKitWebDriver"), f"--port={port}"]
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._server = Server(command, profile, port, lambda: self._request("GET", "/status"))
        self._server.start()
        self._start()

    def _start(self) -> None:
        options = {"binary": find_browser(), "args": ["--automation"]}
        capabilities = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        body = {"capabilities": {"alwaysMatch": capabilities}}
        self._session = self._request("POST", "/session", body)["sessionId"]

    def send(self, command: str, **parameters: Any) -> Any:
        method, path = COMMANDS[command]
        body = parameters if method == "POST" else None
        return self._request(method, f"/session/{self._session}{path.format(**parameters)}", body)

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        with closing(self._connection):
            data = None if body is None else json.dumps(body)
            self._connection.request(method, path, data, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            value = json.loads(response.read())["value"]
        if response.status != 200:
            raise WebDriverError(value["error"], value["message"])
        return value

    @contextmanager
    def private_window(self) -> Iterator[WebKit]:
        with private_directory() as profile:
            window = WebKit(profile, self._display)
            yield window
            window.quit()

    def restart(self) -> None:
        """Start a new session with the cookies that have an expiry.

        MiniBrowser writes no cookies to disk while WebDriver drives it, whatever its options say.
        """
        url, cookies = self.url, self.send("GetCookies")
        self.send("DeleteSession")
        self._start()
        self.open(url)
        for cookie in cookies:
            if "expiry" in cookie:
                self.send("AddCookie", cookie=cookie)

    def quit(self) -> None:
        self.send("DeleteSession")
        self._server.kill()
