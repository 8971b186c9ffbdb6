"""A site under test: gunicorn, its store, the provider, and the browsers."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from typing_extensions import Self

import flask_altdentifier

from ..servers.mariadb import mariadb_server
from ..servers.postgres import postgres_server
from ..servers.process import HOST, Server
from ..servers.redis import redis_server
from .browser import Browser, Fleet
from .provider import ProviderServer

#: How often each race is run. Set `INVARIANTS_ROUNDS` to search for longer.
ROUNDS = range(int(os.environ.get("INVARIANTS_ROUNDS", "3")))
#: The server of each store, and the URL.
STORES: dict[str, tuple[Any, str]] = {
    "sqlite": (nullcontext, "sqlite:///{file}"),
    "redis": (redis_server, "redis://{host}:{port}"),
    # pg8000, because psycopg has no timeout for a server that hangs.
    "postgres": (postgres_server, "postgresql+pg8000://postgres@{host}:{port}/postgres"),
    "mariadb": (mariadb_server, "mysql+pymysql://root@{host}:{port}/test"),
}


class Backend:
    """A store, and the server that keeps it, if there is one."""

    def __init__(self, kind: str, directory: Path, server: Server | None) -> None:
        self.kind = kind
        self.server = server
        self.file = directory / "store" / "logins.sqlite3"
        self.file.parent.mkdir()
        self.url = STORES[kind][1].format(file=self.file, host=HOST, port=server and server.port)


@contextmanager
def backend(kind: str, directory: Path) -> Iterator[Backend]:
    """Run the server of a store."""
    with STORES[kind][0]() as server:
        yield Backend(kind, directory, server)


class Site:
    """gunicorn with an app on a store, and a provider of its own."""

    def __init__(self, backend: Backend, directory: Path, *options: str) -> None:
        """Use gunicorn's *options*. By default there are two processes of four threads."""
        self.backend, self.directory, self.options = backend, directory, options
        self.socket = str(directory / "gunicorn.sock")
        self.gates = directory / "gates"
        self.provider = ProviderServer()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.gates.mkdir()
        with self._stack:
            self._stack.enter_context(self.provider)
            self._stack.enter_context(self._gunicorn())
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _gunicorn(self) -> Server:
        app = {"STORE": self.backend.url, "BASE_URL": self.provider.url, "TIMEOUT": 30}
        config = {f"ALTDENTIFIER_{key}": value for key, value in app.items()}
        root, package = Path(__file__).parents[2], Path(flask_altdentifier.__file__).parents[1]
        environment = {
            "PYTHONPATH": f"{package}{os.pathsep}{root}",
            "INVARIANTS_CONFIG": json.dumps(
                {"preload": "--preload" in self.options, "app": config}
            ),
            "INVARIANTS_GATES": str(self.gates),
        }
        command = ["env", *(f"{name}={value}" for name, value in environment.items())]
        command += [sys.executable, "-m", "gunicorn", "--no-control-socket", "--timeout=90"]
        command += [f"--bind=unix:{self.socket}", "--workers=2", "--threads=4", "--keep-alive=60"]
        command += ["--graceful-timeout=1", *self.options, f"{__package__}.app:server()"]
        return Server(command, self.directory, 0, self._connect)

    def _connect(self) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.socket)

    def browser(self) -> Browser:
        """Return a new browser without cookies."""
        return Browser(self.socket, self.gates)

    def fleet(self) -> Fleet:
        """Return eight connections for volleys."""
        fleet = Fleet(self.socket)
        for connection in fleet.connections:
            self._stack.callback(connection.close)
        return fleet
