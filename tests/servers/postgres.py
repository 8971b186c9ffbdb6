"""PostgreSQL, which does not run as root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from .process import HOST, Server, find_program, free_port, private_directory

USER = "postgres" if os.geteuid() == 0 else None


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Run a PostgreSQL with the user and the database `postgres`, without a password."""
    initdb, postgres, port = find_program("initdb"), find_program("postgres"), free_port()
    with private_directory(USER) as directory:
        create = [initdb, "-D", "data", "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run(create, cwd=directory, user=USER, check=True, capture_output=True)
        command = [postgres, "-D", "data", "-p", str(port), "-h", HOST, "-k", "", "-F"]
        with Server(command, directory, port, lambda: _connect(port), USER) as server:
            yield server


def _connect(port: int) -> None:
    psycopg.connect(f"postgresql://postgres@{HOST}:{port}/postgres", connect_timeout=2).close()
