"""What it takes up: time and memory to import, and room on the server."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial

from ..browser import Browser
from ..contenders import CONTENDERS, NAMES, OAUTH
from ..lab import Lab, Place
from ..rows import Row, of_floor, over_floor
from ..samples import Samples, interleaved

_IMPORT = """
import os, time
started = time.process_time()
import flask, flask_session, {module}
took = time.process_time() - started
with open("/proc/self/statm") as numbers:
    pages = int(numbers.read().split()[1])
print(took * 1e3, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
"""


def imports(lab: Lab) -> list[Row]:
    """CPU time and memory to import, beside flask and flask_session alone."""
    memory = Samples({name: [] for name in NAMES})
    # All find their bytecode, as an installed package does after its first start.
    bytecode = {"PYTHONPYCACHEPREFIX": f"{lab.directory}/pyc", "PYTHONDONTWRITEBYTECODE": ""}

    def start(name: str) -> float:
        command = [sys.executable, "-c", _IMPORT.format(module=CONTENDERS[name].module)]
        output = subprocess.check_output(command, env=os.environ | bytecode, text=True)  # noqa: S603
        milliseconds, mebibytes = map(float, output.split())
        memory[name].append(mebibytes)
        return milliseconds

    times = interleaved(NAMES, lambda name: partial(start, name), lab.amount(25, 3))
    return [
        Row("import (ms)", times, (of_floor(1.1),)),
        Row("memory after import (MiB)", memory, (over_floor(3),)),
    ]


def footprint(lab: Lab) -> list[Row]:
    """Bytes on the server for one login."""
    disk = _measure(lab, lab.embedded, _bytes_on_disk)
    redis = _measure(lab, lab.on_redis, lambda place: lab.redis.bytes_used(place.database))
    return [
        Row("bytes of a login, on disk", disk, compare=False),
        Row("bytes of a login, in Redis", redis, compare=False),
    ]


def _measure(lab: Lab, build: Callable[[str], Place], size: Callable[[Place], int]) -> Samples:
    logins, samples = lab.amount(100, 10), Samples()
    for name in OAUTH:
        place = build(name)
        Browser(place).log_in()
        before = size(place)
        for _ in range(logins):
            Browser(place).log_in()
        samples[name] = [(size(place) - before) / logins]
    return samples


def _bytes_on_disk(place: Place) -> int:
    for database in place.directory.rglob("*.sqlite3"):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    files = [path for path in place.directory.rglob("*") if path.is_file()]
    return sum(path.stat().st_blocks * 512 for path in files)
