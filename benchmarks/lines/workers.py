"""The whole under gunicorn: CPU time of its workers."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import redis
from flask import Flask

from .. import apps, targets
from ..browser import HEADERS, Browser
from ..contenders import NAMES, load
from ..lab import Lab, Row
from ..samples import Batch, Samples, interleaved

WORKERS = 2


def create_app(name: str, provider: str, redis_socket: str) -> Flask:
    """Return the app that a worker serves."""
    client = redis.Redis(unix_socket_path=redis_socket, db=NAMES.index(name))
    contender = load(name)
    return apps.build(contender, provider, apps.in_redis(client) | contender.advice)


def gunicorn(lab: Lab) -> list[Row]:
    """A protected view under gunicorn with two workers, each as its documentation ships it."""
    title = f"protected view, gunicorn with {WORKERS} workers, Redis, as documented"
    bounds = (targets.of_peers(0.95),)
    return [Row(title, "µs CPU of the workers", served(lab, NAMES, lab.amount(20, 5)), bounds)]


def served(lab: Lab, names: Sequence[str], rounds: int) -> Samples:
    """Return the microseconds of the workers' CPU that a protected view takes."""
    size = lab.amount(200, 60)
    with ExitStack() as servers:

        def prepare(name: str) -> Batch:
            place = lab.in_redis(name)
            browser = Browser(place.app)
            browser.log_in(place.contender)
            address, workers = servers.enter_context(_serving(lab, name))
            request = _request("/protected", browser.cookie_header)
            return partial(_load, address, workers, request, size)

        return interleaved({name: partial(prepare, name) for name in names}, rounds)


@contextmanager
def _serving(lab: Lab, name: str) -> Iterator[tuple[Path, list[int]]]:
    """Run gunicorn. Yields its socket and the ids of its workers."""
    address = lab.directory / f"{name}.sock"
    app = f"{__name__}:create_app({name!r}, {lab.provider.url!r}, {lab.redis.socket!r})"
    options = ["--workers", str(WORKERS), "--bind", f"unix:{address}", "--log-level", "error"]
    command = [sys.executable, "-m", "gunicorn", *options, app]
    server = subprocess.Popen(command)  # noqa: S603
    try:
        yield address, _workers(server.pid, address)
    finally:
        server.terminate()
        server.wait()


def _workers(server: int, address: Path) -> list[int]:
    children = Path(f"/proc/{server}/task/{server}/children")
    for _ in range(200):
        workers = [int(number) for number in children.read_text().split()]
        if len(workers) == WORKERS and address.exists():
            return workers
        time.sleep(0.05)
    raise RuntimeError("gunicorn did not start")


def _load(address: Path, workers: list[int], request: bytes, size: int) -> float:
    """Send *size* requests, and return the microseconds of CPU that the workers took for one."""
    before = sum(map(_cpu_time, workers))
    for _ in range(size):
        _send(address, request)
    return (sum(map(_cpu_time, workers)) - before) / size * 1e6


def _cpu_time(process: int) -> float:
    # The clock of another process: what clock_getcpuclockid(3) returns on Linux.
    return time.clock_gettime((~process << 3) | 2)


def _request(path: str, cookies: str) -> bytes:
    """Return a request as a proxy that ends TLS passes it on."""
    headers = HEADERS | {
        "Host": "app.example",
        "Cookie": cookies,
        "X-Forwarded-Proto": "https",
        "Connection": "close",
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _send(address: Path, request: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))
        connection.sendall(request)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"answered {answer[:12].decode('latin-1')}")
