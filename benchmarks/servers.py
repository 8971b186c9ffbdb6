"""Redis and PostgreSQL on this machine, each for the length of the benchmark."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

_PATH = os.pathsep.join([os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
#: What is not part of a request: connecting, and reading the figures.
_OTHER_COMMANDS = {"hello", "client|setinfo", "client", "select", "auth", "ping"}
_OTHER_COMMANDS |= {"info", "config|resetstat"}


@dataclass(frozen=True)
class RedisServer:
    """A running redis-server on a Unix socket."""

    socket: str

    def client(self, database: int = 0) -> Any:
        """Return a client of one of its databases."""
        return redis.Redis(unix_socket_path=self.socket, db=database)

    def count_commands(self, work: Callable[[], object]) -> Counter[str]:
        """Return how often each command was called during *work*."""
        client = self.client()
        client.config_resetstat()
        work()
        stats: dict[str, Any] = client.info("commandstats")
        calls = {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
        return Counter({name: n for name, n in calls.items() if name not in _OTHER_COMMANDS})

    def cpu_time(self) -> float:
        """Return the seconds of CPU that it has used."""
        used = self.client().info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"])

    def bytes_used(self, database: int) -> int:
        """Return the memory of all keys of a database: names, values and expiry."""
        client = self.client(database)
        return sum(client.memory_usage(key, samples=0) for key in client.scan_iter())


@contextmanager
def redis_server(directory: Path) -> Iterator[RedisServer]:
    """Run a Redis that writes nothing to disk."""
    server = RedisServer(str(directory / "redis.sock"))
    options = ["--port", "0", "--unixsocket", server.socket, "--save", "", "--databases", "64"]
    with _process([find("redis-server"), *options], directory, lambda: server.client().ping()):
        yield server


@contextmanager
def postgres_server(directory: Path) -> Iterator[int]:
    """Run a PostgreSQL with its usual settings. Yields its port on loopback."""
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    data, port = directory / "postgres", _free_port()
    data.mkdir()
    if user is not None:
        directory.chmod(0o711)
        shutil.chown(data, user)
    create = [find("initdb"), "-D", ".", "-U", "postgres", "-A", "trust"]
    subprocess.run(create, cwd=data, user=user, check=True, capture_output=True)  # noqa: S603
    command = [find("postgres"), "-D", ".", "-p", str(port), "-h", "127.0.0.1", "-k", ""]
    is_ready = [find("pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-q"]
    with _process(command, data, lambda: subprocess.run(is_ready, check=True), user):  # noqa: S603
        yield port


def find(program: str) -> str:
    """Return the path of a program. Raises `RuntimeError` if it is missing."""
    found = shutil.which(program, path=_PATH)
    if found is None:
        raise RuntimeError(f"{program} is not on the PATH")
    return found


@contextmanager
def _process(
    command: Sequence[str], directory: Path, ready: Callable[[], object], user: str | None = None
) -> Iterator[None]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=directory, user=user, **quiet)  # type: ignore[call-overload]  # noqa: S603
    try:
        for _ in range(400):
            with suppress(redis.ConnectionError, subprocess.CalledProcessError):
                ready()
                break
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL then does not wait for its clients
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
