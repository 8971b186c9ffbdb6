"""Redis, alone and as a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import redis

from .process import HOST, Server, find_program, free_port, private_directory, wait_until

SLOTS = 16_384


@contextmanager
def redis_server(*options: str) -> Iterator[Server]:
    """Run a Redis that keeps nothing on disk; its socket is `redis.sock` in its directory."""
    program, port = find_program("redis-server"), free_port()
    command = [program, "--port", str(port), "--bind", HOST, "--save", "", *options]
    with (
        private_directory() as directory,
        redis.Redis(host=HOST, port=port, socket_timeout=1) as client,
        Server([*command, "--unixsocket", "redis.sock"], directory, port, client.ping) as server,
    ):
        yield server


@contextmanager
def redis_cluster() -> Iterator[list[Server]]:
    """Run three nodes, each of which has a third of the slots."""
    with ExitStack() as stack:
        buses = [str(free_port()) for _ in range(3)]
        options = ("--cluster-enabled", "yes", "--cluster-port")
        nodes = [stack.enter_context(redis_server(*options, bus)) for bus in buses]
        clients = [stack.enter_context(redis.Redis(host=HOST, port=node.port)) for node in nodes]
        for part, client in enumerate(clients):
            client.cluster("addslots", *range(SLOTS * part // 3, SLOTS * (part + 1) // 3))
            for node, bus in zip(nodes, buses, strict=True):
                client.cluster("meet", HOST, node.port, bus)
        wait_until(lambda: all(map(_is_complete, clients)), "the cluster")
        yield nodes


def _is_complete(client: redis.Redis) -> bool:
    info = client.cluster("info")
    return bool(info["cluster_state"] == "ok" and info["cluster_slots_ok"] == str(SLOTS))
