"""Chromium and WebKitGTK's MiniBrowser, by their drivers, which are HTTP servers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from ..servers.process import PATIENCE, Server, find_program, free_port, private_directory
from .webdriver import Driver, WebDriverError

MINI_BROWSERS = "usr/lib/*/webkit2gtk-4.*/MiniBrowser"
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


class HTTPDriver(Driver):
    """A browser behind a driver program."""

    program: str

    def __init__(self, profile: Path, *arguments: str) -> None:
        self._profile, self._arguments, port = profile, arguments, free_port()
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        command = [find_program(self.program), f"--port={port}"]
        self._server = Server(command, profile, port, lambda: self._request("GET", "/status"))
        self._server.start()
        self._start()

    def capabilities(self) -> dict[str, Any]:
        """Return what tells the driver how to start the browser."""
        raise NotImplementedError

    def _start(self) -> None:
        capabilities = {"acceptInsecureCerts": True, **self.capabilities()}
        body = {"capabilities": {"alwaysMatch": capabilities}}
        self._session = self._request("POST", "/session", body)["sessionId"]

    def send(self, command: str, **parameters: Any) -> Any:
        method, path = COMMANDS[command]
        body = parameters if method == "POST" else None
        return self._request(method, f"/session/{self._session}{path.format(**parameters)}", body)

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        with closing(self._connection) as connection:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            value = json.loads(response.read())["value"]
        if response.status != 200:
            raise WebDriverError(value["message"])
        return value

    @contextmanager
    def private_window(self) -> Iterator[Driver]:
        with private_directory() as profile:
            window = type(self)(profile, "--incognito")
            try:
                yield window
            finally:
                window.quit()

    def restart(self) -> None:
        self.send("DeleteSession")
        self._start()

    def quit(self) -> None:
        self.send("DeleteSession")
        self._server.kill()


class Chromium(HTTPDriver):
    """A Chromium with a profile of its own."""

    program = "chromedriver"

    def capabilities(self) -> dict[str, Any]:
        profile = f"--user-data-dir={self._profile / 'chromium'}"
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        arguments = ["--headless", "--disable-dev-shm-usage", profile, *sandbox, *self._arguments]
        return {"goog:chromeOptions": {"binary": find_program("chromium"), "args": arguments}}


def find_mini_browser() -> str:
    """Return the path of MiniBrowser, which is on no PATH, or skip like `find_program`."""
    for path in sorted(Path("/").glob(MINI_BROWSERS), reverse=True):
        return str(path)
    return find_program("MiniBrowser")


class WebKit(HTTPDriver):
    """A MiniBrowser on a display of its own. WebDriver makes all its windows private ones."""

    program = "WebKitWebDriver"
    prefetches = False  # `<link rel=prefetch>` is off, and there are no speculation rules

    def __init__(self, profile: Path, *arguments: str) -> None:
        find_program(self.program)
        self._browser = find_mini_browser()
        command = [find_program("Xvfb"), "-displayfd", "1", "-nolisten", "tcp"]
        self._display = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._display.stdout is not None
        with self._display.stdout as numbers:
            os.environ["DISPLAY"] = f":{numbers.readline().strip()}"
        super().__init__(profile)

    def capabilities(self) -> dict[str, Any]:
        options = {"binary": self._browser, "args": ["--automation"]}
        return {"webkitgtk:browserOptions": options}

    def restart(self) -> None:
        """Start a new session with the cookies that have an expiry.

        MiniBrowser writes no cookies to disk while WebDriver drives it, whatever its options say.
        """
        url, cookies = self.url, self.send("GetCookies")
        super().restart()
        self.open(url)
        for cookie in cookies:
            if "expiry" in cookie:
                self.send("AddCookie", cookie=cookie)

    def quit(self) -> None:
        super().quit()
        self._display.terminate()
        self._display.wait(PATIENCE)
