"""Processes that the tests start, harm and end: a Redis server, and gunicorn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

import flask_altdentifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

REDIS_SERVER = shutil.which("redis-server")
#: Seconds for which a process may take to start or to end.
PATIENCE = 15.0


def eventually(check: Callable[[], bool], what: str) -> None:
    """Wait until *check* holds."""
    end = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


class Process:
    """A process of ours and its children, ended for sure."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.popen: subprocess.Popen[bytes] | None = None

    def run(self, *command: str, env: dict[str, str] | None = None) -> None:
        """Start the process, in a group of its own."""
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        assert self.popen is not None
        self.popen.send_signal(number)

    def end(self) -> None:
        """End the process, by force where it does not go, and all that it has started."""
        if self.popen is None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
        self.popen = None

    def kill(self) -> None:
        """End the process and its children at once."""
        assert self.popen is not None
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(timeout=PATIENCE)
        self.popen = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


class RedisProcess(Process):
    """A Redis server of one kind or another."""

    def __init__(self, directory: Path, *options: str, client: redis.Redis) -> None:
        super().__init__(directory / "redis.log")
        self.options = ["--dir", str(directory), "--save", "", *options]
        self.client = client

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.run(str(REDIS_SERVER), *self.options)
        eventually(self._answers, f"redis-server, see {self.log}")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        """Make it hang: it takes connections and answers nothing."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, with all that it was sent meanwhile."""
        self.signal(signal.SIGCONT)
        eventually(self._answers, f"redis-server, see {self.log}")

    def end(self) -> None:
        """End it, and the client's connections."""
        self.client.close()
        super().end()


class RedisServer(RedisProcess):
    """A Redis server on a private socket that keeps nothing on disk."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.socket = str(directory / "redis.sock")
        client = redis.Redis(unix_socket_path=self.socket, socket_timeout=5)
        private = ["--port", "0", "--unixsocket", self.socket, "--appendonly", "no"]
        super().__init__(directory, *private, *options, client=client)

    def fill(self) -> None:
        """Make it refuse whatever needs memory."""
        self.client.config_set("maxmemory-policy", "noeviction")
        self.client.config_set("maxmemory", "1")

    def empty(self) -> None:
        """Let it take things again."""
        self.client.config_set("maxmemory", "0")

    def __enter__(self) -> Self:
        self.start()
        return self


class Gunicorn(Process):
    """Two processes of four threads that serve `app.server` on a private socket."""

    def __init__(self, directory: Path, **config: Any) -> None:
        super().__init__(directory / "gunicorn.log")
        self.socket = str(directory / "gunicorn.sock")
        self.gates = directory / "gates"
        self.gates.mkdir()
        self.config = {**config, "directory": str(directory)}

    def __enter__(self) -> Self:
        package = Path(flask_altdentifier.__file__).parents[1]
        here = Path(__file__).parents[1]
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(package), str(here)]),
            "INVARIANTS_CONFIG": json.dumps(self.config),
            "INVARIANTS_GATES": str(self.gates),
        }
        options = ["--workers", "2", "--threads", "4", "--worker-class", "gthread"]
        options += ["--keep-alive", "60", "--graceful-timeout", "1", "--timeout", "60"]
        options += ["--bind", f"unix:{self.socket}", "--no-control-socket"]
        application = f"{__package__.rpartition('.')[2]}.app:server()"
        self.run(sys.executable, "-m", "gunicorn", *options, application, env=env)
        eventually(self._answers, f"gunicorn, see {self.log}")
        return self

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as sock:
            return sock.connect_ex(self.socket) == 0
