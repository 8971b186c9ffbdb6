"""MariaDB, which does not like to run as root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql  # type: ignore[import-untyped]

from .process import HOST, Server, find_program, free_port, private_directory

USER = "mysql" if os.geteuid() == 0 else None


@contextmanager
def mariadb_server() -> Iterator[Server]:
    """Run a MariaDB with the database `test`, which lets everybody in."""
    install, mariadbd = find_program("mariadb-install-db"), find_program("mariadbd")
    port = free_port()
    with private_directory(USER) as directory:
        data = f"--datadir={directory / 'data'}"
        create = [install, "--no-defaults", data, "--skip-test-db"]
        subprocess.run(create, user=USER, check=True, capture_output=True)
        command = [mariadbd, "--no-defaults", data, f"--port={port}", f"--bind-address={HOST}"]
        command += [f"--socket={directory / 'socket'}", "--skip-grant-tables"]
        command += ["--innodb-flush-log-at-trx-commit=0"]
        # The default since MariaDB 11.6.2.
        command += ["--loose-innodb-snapshot-isolation=ON"]
        with Server(command, directory, port, lambda: _create_database(port), USER) as server:
            yield server


def _create_database(port: int) -> None:
    with pymysql.connect(host=HOST, port=port, user="root", connect_timeout=1) as connection:
        connection.cursor().execute("CREATE DATABASE IF NOT EXISTS test")
