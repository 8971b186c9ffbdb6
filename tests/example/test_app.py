"""`create_app`, and `python -m example_app`, which runs the app and a sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from flask import Flask

from example_app import create_app
from flask_altdentifier.errors import ConfigError

from ..servers.process import free_port


def test_instance_folder_is_private(site: Flask) -> None:
    assert Path(site.instance_path).stat().st_mode & 0o777 == 0o700


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
