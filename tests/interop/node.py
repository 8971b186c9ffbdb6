"""node's packages, installed once below `.tox`."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

from ..servers.process import find_program

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".tox" / "interop"
INSTALL = "install --no-package-lock --no-audit --no-fund --ignore-scripts"


@cache
def node_command(script: str) -> list[str]:
    """Return the command that runs a script of this folder, with its packages installed."""
    node, npm = find_program("node"), find_program("npm")
    package, installed = HERE / "package.json", FOLDER / "installed.json"
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copy(package, FOLDER)
    if not installed.exists() or installed.read_bytes() != package.read_bytes():
        subprocess.run([npm, *INSTALL.split()], cwd=FOLDER, check=True, timeout=300)
        shutil.copy(package, installed)
    return [node, str(shutil.copy(HERE / script, FOLDER / script))]
