"""What it takes up: time and memory to import, and room on the server."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from .. import targets
from ..browser import Browser
from ..contenders import NAMES, OAUTH, load
from ..lab import Lab, Place, Row
from ..samples import Samples, interleaved

_IMPORT = """
import os, time
started = time.process_time()
import flask, flask_session
{imports}
took = time.process_time() - started
with open("/proc/self/statm") as numbers:
    pages = int(numbers.read().split()[1])
print(took * 1e3, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
"""


def imports(lab: Lab) -> list[Row]:
    """Time and memory to import, beside flask and flask_session alone."""
    memory = Samples(values={name: [] for name in NAMES})

    def start(imports: str, name: str) -> float:
        milliseconds, mebibytes = _import(imports, lab.directory / "bytecode")
        memory.values[name].append(mebibytes)
        return milliseconds

    def prepare(name: str) -> partial[float]:
        return partial(start, load(name).imports, name)

    times = interleaved({name: partial(prepare, name) for name in NAMES}, lab.amount(25, 3))
    return [
        Row("import (ms)", times, (targets.of_floor(1.1),)),
        Row("memory after import (MiB)", memory, (targets.over_floor(3),)),
    ]


def footprint(lab: Lab) -> list[Row]:
    """Bytes on the server for one login."""
    logins = lab.amount(100, 10)

    def measure(build: Callable[[str], Place], size: Callable[[Place], int]) -> Samples:
        samples = Samples()
        for name in OAUTH:
            place = build(name)
            Browser(place.app).log_in(place.contender)
            before = size(place)
            for _ in range(logins):
                Browser(place.app).log_in(place.contender)
            samples.values[name] = [(size(place) - before) / logins]
        return samples

    redis = measure(lab.on_redis, lambda place: lab.redis.memory_of(place.database))
    return [
        Row("bytes of a login, on disk", measure(lab.embedded, _bytes_on_disk), exact=True),
        Row("bytes of a login, in Redis", redis, exact=True),
    ]


def _bytes_on_disk(place: Place) -> int:
    for database in place.directory.rglob("*.sqlite3"):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    files = [path for path in place.directory.rglob("*") if path.is_file()]
    return sum(path.stat().st_blocks * 512 for path in files)


def _import(imports: str, bytecode: Path) -> tuple[float, float]:
    """Import in a fresh interpreter. Return milliseconds of CPU and MiB of memory.

    All find their bytecode in the folder *bytecode*, as an installed package does after its first
    start.
    """
    command = [sys.executable, "-c", _IMPORT.format(imports=imports)]
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)  # noqa: S603
    milliseconds, mebibytes = done.stdout.split()
    return float(milliseconds), float(mebibytes)
