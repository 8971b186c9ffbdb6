"""The instance folder and the table are private, and `python -m example_app` starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from flask import Flask

from example_app import create_app, members
from flask_altdentifier.errors import ConfigError

from ..servers.process import free_port


def test_files_are_private(make_site: Callable[..., Flask]) -> None:
    site = make_site()
    with site.app_context():
        members.latest()
    folder = Path(site.instance_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "members.sqlite3").stat().st_mode & 0o777 == 0o600


def writable_by_others(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o770)


def of_another_user(folder: Path) -> None:
    folder.mkdir()
    os.chown(folder, 12345, -1)


def link(folder: Path) -> None:
    folder.with_name("elsewhere").mkdir()
    folder.symlink_to(folder.with_name("elsewhere"))


@pytest.mark.parametrize("prepare", [writable_by_others, of_another_user, link])
def test_instance_folder_of_somebody_else_is_refused(
    tmp_path: Path, make_site: Callable[..., Flask], prepare: Callable[[Path], None]
) -> None:
    if prepare is of_another_user and os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    prepare(tmp_path / "instance")
    with pytest.raises(ConfigError, match="FLASK_INSTANCE_PATH"):
        make_site()


@pytest.mark.parametrize("kind", ["link", "writable"])
def test_table_of_somebody_else_is_refused(site: Flask, tmp_path: Path, kind: str) -> None:
    table, elsewhere = Path(site.instance_path, "members.sqlite3"), tmp_path / "elsewhere"
    elsewhere.touch()
    if kind == "link":
        table.symlink_to(elsewhere)
    else:
        table.touch()
        table.chmod(0o666)
    with site.app_context(), pytest.raises(ConfigError, match=r"members\.sqlite3"):
        members.latest()


def test_credentials_are_required(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ALTDENTIFIER_CLIENT_ID"):
        create_app({"INSTANCE_PATH": str(tmp_path / "instance")})


@pytest.mark.server
def test_one_command_runs_the_app_and_a_sandbox(tmp_path: Path) -> None:
    port, sandbox_port = free_port(), free_port()
    # Processes inherit it if it is ignored, as in the background of a shell.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "example_app", f"--port={port}", f"--sandbox-port={sandbox_port}"],
        env={**os.environ, "FLASK_INSTANCE_PATH": str(tmp_path / "instance")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, handler)
    assert process.stdout is not None
    try:
        for line in process.stdout:  # the reloader has started the app
            if "Debugger is active" in line:
                break
        with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
            assert f"http://127.0.0.1:{sandbox_port}/" in response.read().decode()
        with urlopen(f"http://127.0.0.1:{sandbox_port}/", timeout=10) as response:
            assert "Gatehouse" in response.read().decode()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        process.stdout.close()
