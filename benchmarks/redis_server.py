"""A real redis-server of our own, on a private Unix socket, that keeps nothing on disk."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

_READS = {"get", "mget", "exists", "ttl", "strlen"}
#: What a client says when it connects, and what asks for the figures.
_OUR_OWN = {"hello", "client|setinfo", "client", "select", "auth", "ping"} | {
    "info",
    "config|resetstat",
}


@dataclass(frozen=True)
class RedisServer:
    """The running server."""

    socket: str
    #: On loopback; 0 where it has none.
    port: int

    def client(self, database: int = 0) -> Any:
        """Return a client of one of its 16 databases."""
        return redis.Redis(unix_socket_path=self.socket, db=database)

    def calls(self) -> dict[str, int]:
        """Return how often it has seen each command since `forget`."""
        stats: dict[str, Any] = self.client().info("commandstats")
        seen = {name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()}
        return {name: calls for name, calls in seen.items() if name not in _OUR_OWN}

    def commands(self) -> tuple[int, int]:
        """Return how many reads and writes it has seen since `forget`."""
        calls = self.calls()
        reads = sum(calls.pop(name, 0) for name in _READS)
        return reads, sum(calls.values())

    def forget(self) -> None:
        """Count anew."""
        self.client().config_resetstat()

    def bytes_used(self, database: int) -> int:
        """Return the memory of all keys of a database: names, values and expiry."""
        client = self.client(database)
        return sum(client.memory_usage(key, samples=0) for key in client.scan_iter(count=1000))


@contextmanager
def running(directory: Path, port: int = 0) -> Iterator[RedisServer]:
    """Run the server, on a loopback *port* too where one is given."""
    server = RedisServer(str(directory / "redis.sock"), port)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--unixsocket", server.socket]
    options += ["--save", "", "--dir", str(directory)]
    with (directory / "redis.log").open("wb") as log:
        process = subprocess.Popen(["redis-server", *options], stdout=log, stderr=log)  # noqa: S603, S607
    try:
        _wait_for(server)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait_for(server: RedisServer) -> None:
    for _ in range(100):
        try:
            server.client().ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("redis-server did not start")
