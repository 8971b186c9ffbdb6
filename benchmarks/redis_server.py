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
#: What a client says when it connects.
_CONNECTING = {"hello", "client|setinfo", "client", "select", "auth", "ping"}


@dataclass(frozen=True)
class RedisServer:
    """The running server."""

    socket: str

    def client(self, database: int = 0) -> Any:
        """Return a client of one of its 16 databases."""
        return redis.Redis(unix_socket_path=self.socket, db=database)

    def commands(self) -> tuple[int, int]:
        """Return how many reads and writes it has seen since `forget`."""
        stats: dict[str, Any] = self.client().info("commandstats")
        reads = writes = 0
        for name, numbers in stats.items():
            command = name.removeprefix("cmdstat_")
            if command in _READS:
                reads += numbers["calls"]
            elif command not in _CONNECTING | {"info", "config|resetstat"}:
                writes += numbers["calls"]
        return reads, writes

    def forget(self) -> None:
        """Count anew."""
        self.client().config_resetstat()

    def bytes_used(self, database: int) -> int:
        """Return the memory of all keys of a database: names, values and expiry."""
        client = self.client(database)
        return sum(client.memory_usage(key, samples=0) for key in client.scan_iter(count=1000))


@contextmanager
def running(directory: Path) -> Iterator[RedisServer]:
    """Run the server."""
    server = RedisServer(str(directory / "redis.sock"))
    options = ["--port", "0", "--unixsocket", server.socket, "--save", "", "--dir", str(directory)]
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
