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

from sqlalchemy import create_engine, text

import flask_altdentifier

from ..servers.mariadb import mariadb_server
from ..servers.postgres import postgres_server
from ..servers.process import HOST, Server
from ..servers.redis import redis_server
from .browser import Browser, Fleet
from .provider import ProviderServer

#: How often each race is run. Set `INVARIANTS_ROUNDS` to search for longer.
ROUNDS = range(int(os.environ.get("INVARIANTS_ROUNDS", "3")))

SERVERS: dict[str, Any] = {
    "sqlite": nullcontext,
    "redis": redis_server,
    "postgres": postgres_server,
    "mariadb": mariadb_server,
}
URLS = {
    "redis": "redis://{host}:{port}",
    # pg8000, because psycopg has no timeout for a server that hangs.
    "postgres": "postgresql+pg8000://postgres@{host}:{port}/postgres",
    "mariadb": "mysql+pymysql://root@{host}:{port}/test",
}


class Backend:
    """A store, and the server that keeps it, if there is one."""

    def __init__(self, kind: str, directory: Path, server: Server | None) -> None:
        self.kind = kind
        self.server = server
        if server is None:
            self.file = directory / "store" / "logins.sqlite3"
            self.file.parent.mkdir()
            self.url = f"sqlite:///{self.file}"
        else:
            self.url = URLS[kind].format(host=HOST, port=server.port)

    def records(self) -> dict[str, str]:
        """Return all records."""
        if self.kind == "redis":
            import redis

            with redis.Redis.from_url(self.url, decode_responses=True) as client:
                return {key: str(client.get(key)) for key in client.scan_iter()}
        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT key, value FROM altdentifier_records")).all()
        engine.dispose()
        return {k.decode() if isinstance(k, bytes) else str(k): v for k, v in rows}


@contextmanager
def backend(kind: str, directory: Path) -> Iterator[Backend]:
    """Run the server of a store."""
    with SERVERS[kind]() as server:
        yield Backend(kind, directory, server)


class Site:
    """gunicorn with an app on a store, and a provider of its own."""

    def __init__(self, backend: Backend, directory: Path, *options: str) -> None:
        """Use gunicorn's *options*; by default there are two processes of four threads."""
        self.backend = backend
        self.socket = str(directory / "gunicorn.sock")
        self.gates = directory / "gates"
        self.directory = directory
        self.options = options
        self._stack = ExitStack()

    def __enter__(self) -> Site:
        self.gates.mkdir()
        with self._stack:
            self.provider = self._stack.enter_context(ProviderServer())
            self._stack.enter_context(self._gunicorn())
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _gunicorn(self) -> Server:
        root = Path(__file__).parents[2]
        command = [sys.executable, "-m", "gunicorn", "--chdir", str(root), "--no-control-socket"]
        command += ["--bind", f"unix:{self.socket}", "--workers", "2", "--threads", "4"]
        command += ["--keep-alive", "60", "--graceful-timeout", "1", "--timeout", "90"]
        command += [*self.options, f"{__package__}.app:server()"]
        config = {
            "preload": "--preload" in self.options,
            "app": {
                "ALTDENTIFIER_STORE": self.backend.url,
                "ALTDENTIFIER_BASE_URL": self.provider.url,
                "ALTDENTIFIER_TIMEOUT": 30,
            },
        }
        package = Path(flask_altdentifier.__file__).parents[1]
        environment = {
            "PYTHONPATH": os.pathsep.join([str(package), str(root)]),
            "INVARIANTS_CONFIG": json.dumps(config),
            "INVARIANTS_GATES": str(self.gates),
        }
        command = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
        return Server(command, self.directory, 0, self._connect)

    def _connect(self) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.socket)

    def browser(self, host: str = "app.test") -> Browser:
        """Return a new browser without cookies."""
        return Browser(self.socket, self.gates, host)

    def fleet(self) -> Fleet:
        """Return eight connections for volleys."""
        fleet = Fleet(self.socket)
        for connection in fleet.connections:
            self._stack.callback(connection.close)
        return fleet
