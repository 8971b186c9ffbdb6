"""What it takes up: time and memory to import, and room on the server."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from .. import targets
from ..browser import Browser
from ..contenders import NAMES, load
from ..lab import Lab, Row
from ..samples import Samples, interleaved, once
from .logins import TALKERS

_IMPORT = """
import os, time
began = time.process_time()
import flask, flask_session
{imports}
took = time.process_time() - began
with open("/proc/self/statm") as numbers:
    pages = int(numbers.read().split()[1])
print(took * 1e3, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
"""


def imports(lab: Lab) -> list[Row]:
    """Time and memory to import, beside flask and flask_session alone."""
    rounds = lab.amount(30, 4)
    memory = Samples(values={name: [] for name in NAMES})

    def start(imports: str, name: str) -> float:
        milliseconds, mebibytes = _started(imports, lab.directory / "bytecode")
        memory.values[name].append(mebibytes)
        return milliseconds

    def prepare(name: str) -> partial[float]:
        return partial(start, load(name).imports, name)

    times = interleaved({name: partial(prepare, name) for name in NAMES}, rounds)
    memory.failed.update(times.failed)
    for name in times.failed:
        memory.values.pop(name)
    return [
        Row(
            "import (floor: flask and flask_session alone)",
            "ms CPU",
            times,
            (targets.of_floor(1.12),),
        ),
        Row("memory after that import", "MiB RSS", memory, (targets.over_floor(3, " MiB"),)),
    ]


def footprint(lab: Lab) -> list[Row]:
    """Room on the server for one login, in Redis."""
    logins = 20

    def measure(name: str) -> tuple[float, float]:
        place = lab.in_redis(name)
        for _ in range(logins):
            Browser(place.app).log_in(place.contender)
        client = lab.redis.client(NAMES.index(name))
        session = sum(client.strlen(key) for key in client.scan_iter("session:*"))
        return session / logins, lab.redis.bytes_used(NAMES.index(name)) / logins

    session, memory = once(NAMES, measure)
    bounds = (targets.of_peers(1.5, "authlib"),)
    return [
        Row("session after login", "bytes", session, (targets.at_most(0),), exact=True),
        Row("Redis memory for one login, all keys", "bytes", memory, bounds, exact=True),
    ]


def pending(lab: Lab) -> list[Row]:
    """Room on the server for logins that one browser begins and never ends, in Redis."""
    last = lab.amount(1000, 200)

    def measure(name: str) -> tuple[float, float, float]:
        place = lab.in_redis(name)
        browser = Browser(place.app)
        used = {}
        for number in range(1, last + 1):
            browser.begin(place.contender)
            if number in {1, 10, last}:
                used[number] = lab.redis.bytes_used(NAMES.index(name))
        return used[1], used[last], used[last] / used[10]

    first, final, growth = once(TALKERS, measure)
    begun = "Redis memory for logins begun in one session"
    return [
        Row(f"{begun}: 1", "bytes", first, exact=True),
        Row(f"{begun}: {last:,}", "bytes", final, exact=True),
        Row(f"{begun}: {last:,} over 10", "ratio", growth, (targets.at_most(1.05),), exact=True),
    ]


def _started(imports: str, bytecode: Path) -> tuple[float, float]:
    """Import in a fresh interpreter; return milliseconds of CPU and MiB of memory.

    All find their bytecode in the folder *bytecode*, as an installed package does after its first
    start, however this machine handles it.
    """
    command = [sys.executable, "-c", _IMPORT.format(imports=imports)]
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)  # noqa: S603
    milliseconds, mebibytes = done.stdout.split()
    return float(milliseconds), float(mebibytes)
