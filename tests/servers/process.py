"""A server process: started, stopped, killed, started again, and ended for sure."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing_extensions import Self

HOST = "127.0.0.1"
#: Seconds that a server may take to start or to end.
PATIENCE = 30.0
PATH = os.pathsep.join(
    [os.environ["PATH"], "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
)


def find_program(name: str) -> str:
    """Return the path of a program. Without it the test is skipped, and fails in CI."""
    found = shutil.which(name, path=PATH)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {name}")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@contextmanager
def private_directory(user: str | None = None) -> Iterator[Path]:
    """Yield a directory of *user*. Not pytest's `tmp_path`, whose parents only root may enter."""
    with tempfile.TemporaryDirectory() as name:
        if user is not None:
            shutil.chown(name, user)
        yield Path(name)


class Server:
    """A server process in a directory of its own.

    :param command: what starts it.
    :param answers: whether it answers; it may raise until then.
    :param user: who runs it, if root may not.
    """

    def __init__(
        self,
        command: list[str],
        directory: Path,
        port: int,
        answers: Callable[[], object],
        user: str | None = None,
    ) -> None:
        self.command = command
        self.directory = directory
        self.port = port
        self._answers = answers
        self._user = user

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it and wait until it answers; try again if it still meets its predecessor."""
        wait_until(self._starts, f"{self.command[0]}, see {self.directory}/log")

    def _starts(self) -> bool:
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        wait_until(lambda: self._is_ready() or self.process.poll() is not None, self.command[0])
        return self.process.returncode is None

    def _is_ready(self) -> bool:
        with suppress(Exception):
            self._answers()
            return True
        return False

    def stop(self) -> None:
        """Let it hang: it accepts connections and answers nothing."""
        self._signal(signal.SIGSTOP)
        wait_until(lambda: all(map(_is_stopped, self._pids())), "every thread stops")

    def resume(self) -> None:
        """Let it go on with all that it was sent meanwhile."""
        self._signal(signal.SIGCONT)
        wait_until(self._is_ready, self.command[0])

    def kill(self) -> None:
        """End it and its children at once."""
        self._signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pids(self) -> list[int]:
        """Return the process and its children; PostgreSQL's have process groups of their own."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return [pid, *map(int, children.read_text().split() if children.exists() else [])]


def _is_stopped(pid: int) -> bool:
    states = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state.rpartition(") ")[2].startswith(("T", "Z")) for state in states)
