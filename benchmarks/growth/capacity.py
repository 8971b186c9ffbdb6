"""How much one redis-server and one worker get done in a second of CPU."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any

from ..lab import Lab
from ..lines import workers
from .room import Record

#: Connections at the same time.
CLIENTS = 50


@dataclass(frozen=True)
class Capacity:
    """What one second of CPU is enough for."""

    #: Commands of redis-server.
    reads: float
    writes: float
    #: Protected views of a gunicorn worker.
    requests: float


def capacity(lab: Lab, grant: Record) -> Capacity:
    """Measure all three, with names and values as long as those of a *grant*."""
    name, value = "x" * (grant.name - 12) + "__rand_int__", "x" * grant.value
    # The writes come first, so that there is something to read.
    writes = _commands(lab, "SET", name, value, "EX", str(grant.lifetime))
    reads = _commands(lab, "GET", name)
    microseconds = workers.served(lab, ["ours"], lab.amount(10, 2)).median("ours")
    return Capacity(reads, writes, 1e6 / microseconds)


def _commands(lab: Lab, *command: str) -> float:
    """Return how often redis-server runs a command in a second of its CPU, over TCP."""
    number = lab.amount(300_000, 50_000)
    options = ["-p", str(lab.redis.port), "-c", str(CLIENTS), "-n", str(number), "-r", "100000"]
    client = lab.redis.client()
    began = _cpu(client)
    subprocess.run(["redis-benchmark", *options, "-q", *command], check=True, capture_output=True)  # noqa: S603, S607
    return number / (_cpu(client) - began)


def _cpu(client: Any) -> float:
    used = client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])
