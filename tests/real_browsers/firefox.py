"""Firefox, by its own protocol Marionette, which needs no geckodriver."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..servers.process import PATIENCE, find_program, wait_until
from .webdriver import Driver, WebDriverError

PREFERENCES = """
user_pref("marionette.port", 0);
user_pref("network.prefetch-next", true);
"""


class Firefox(Driver):
    """A Firefox with a profile of its own."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        (profile / "user.js").write_text(PREFERENCES)
        self._start()

    def _start(self) -> None:
        port_file = self._profile / "MarionetteActivePort"
        port_file.unlink(missing_ok=True)
        command = [find_program("firefox-esr"), "--headless", "--marionette", "--no-remote"]
        self._process = subprocess.Popen(
            [*command, "--profile", str(self._profile)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(
            lambda: port_file.exists() and port_file.read_text().strip() != "", "Firefox starts"
        )
        address = ("127.0.0.1", int(port_file.read_text()))
        self._socket = socket.create_connection(address, PATIENCE)
        self._stream = self._socket.makefile("rwb")
        self._number = 0
        self._receive()  # who is there
        self.send("NewSession", acceptInsecureCerts=True)

    def send(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        prefix = "" if ":" in command else "WebDriver:"
        message = json.dumps([0, self._number, prefix + command, parameters]).encode()
        self._stream.write(b"%d:%s" % (len(message), message))
        self._stream.flush()
        _, number, error, value = self._receive()
        assert number == self._number
        if error is not None:
            raise WebDriverError(error["message"])
        return value["value"] if isinstance(value, dict) and "value" in value else value

    def _receive(self) -> Any:
        length = b""
        while (character := self._stream.read(1)) != b":":
            assert character, "Firefox has closed the connection"
            length += character
        return json.loads(self._stream.read(int(length)))

    @contextmanager
    def private_window(self) -> Iterator[Firefox]:
        tab = self.tab
        self.use_tab(self.send("NewWindow", type="window", private=True)["handle"])
        try:
            yield self
        finally:
            self.send("CloseWindow")
            self.use_tab(tab)

    def restart(self) -> None:
        self.quit()
        self._start()

    def quit(self) -> None:
        self.send("Marionette:Quit", flags=["eAttemptQuit"])
        self._process.wait(PATIENCE)
        self._stream.close()
        self._socket.close()
