"""A Redis Cluster of three nodes on loopback, and the client that a deployment should have."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import permutations
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.crc import key_slot
from redis.retry import Retry

from .invariants.servers import RedisProcess, eventually
from .ports import HOST, free_ports

if TYPE_CHECKING:
    from typing_extensions import Self

SLOTS = 16_384


def quick() -> dict[str, Any]:
    """Return the options of a client that soon gives up on a node."""
    options: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
    if int(redis.__version__.partition(".")[0]) < 6:
        return options | {"cluster_error_retry_attempts": 0}
    return options | {"retry": Retry(NoBackoff(), 0)}


class Recorded(RedisCluster):
    """A client of a cluster that keeps the name and the keys of each command."""

    def __init__(self, port: int) -> None:
        self.sent: list[tuple[Any, ...]] = []
        super().__init__(host=HOST, port=port, **quick())
        self.sent.clear()

    def execute_command(self, *args: Any, **options: Any) -> Any:
        name, *values = args
        self.sent.append((name.removesuffix("EX"), *values[:1]))
        client: Any = super()  # whose method has no types
        return client.execute_command(*args, **options)

    def delete(self, *keys: Any) -> Any:
        # Would be split by slots, so that no node could tell.
        self.sent.append(("DEL", *keys))
        return super().delete(*keys)


class Node(RedisProcess):
    """A server of some of the slots. What it has taken outlives its process."""

    def __init__(self, directory: Path, port: int, slots: range) -> None:
        directory.mkdir()
        self.port = port
        self.slots = slots
        client = redis.Redis(host=HOST, port=port, socket_timeout=5)
        options = [
            "--port",
            str(port),
            "--bind",
            HOST,
            "--appendonly",
            "yes",
            "--appendfsync",
            "no",
        ]
        options += ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"]
        super().__init__(directory, *options, client=client)

    def is_ready(self) -> bool:
        """Tell whether it serves its slots, and knows who serves the others."""
        info: Any = self.client.cluster("info")
        return (info["cluster_state"], info["cluster_slots_ok"]) == ("ok", str(SLOTS))

    def refusals(self) -> set[str]:
        """Return the kinds of errors that it has answered with."""
        return {name.removeprefix("errorstat_") for name in self.client.info("errorstats")}


class Cluster:
    """Three nodes that know each other, each with a third of the slots."""

    def __init__(self, directory: Path) -> None:
        self.nodes = [
            Node(directory / str(port), port, range(SLOTS * part // 3, SLOTS * (part + 1) // 3))
            for part, port in enumerate(free_ports(3))
        ]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            for node in self.nodes:
                self._stack.callback(node.end)
                node.start()
                node.client.cluster("addslots", *node.slots)
            for one, other in permutations(self.nodes, 2):  # by gossip alone it can take long
                one.client.cluster("meet", HOST, other.port)
            self.settle()
            self._stack = self._stack.pop_all()
        return self

    def settle(self) -> None:
        """Wait until all slots are served; a node that starts takes two seconds."""
        eventually(lambda: all(node.is_ready() for node in self.nodes), "the cluster")

    def client(self) -> Recorded:
        """Return a new client; close it."""
        return Recorded(self.nodes[0].port)

    def node_of(self, key: str) -> Node:
        """Return the node that keeps *key*."""
        return next(node for node in self.nodes if key_slot(key.encode()) in node.slots)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
