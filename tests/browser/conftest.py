"""A Chromium, and the example app with its sandbox."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ..ports import free_ports

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=30_000)  # a busy machine is not what is tested

SCREENSHOTS = ROOT / "screenshots"  # pytest-playwright empties its own test-results


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what pytest-base-url, which pytest-playwright brings, does to pytest 9."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Session-scoped fixtures defined as instance:DeprecationWarning"
    )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the Chromium that the system has; Playwright's own need not be downloaded."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("no chromium on the PATH: apt-get install chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {
        **browser_type_launch_args,
        "executable_path": path,
        "args": [*quiet, *(["--no-sandbox"] if root else [])],
    }


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run `python -m example_app` and return its URL."""
    port, sandbox_port = free_ports(2)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FLASK_", "REDIS"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "example_app", f"--port={port}", f"--sandbox-port={sandbox_port}"],
        cwd=ROOT,
        env={**environment, "FLASK_DATA_DIR": str(tmp_path_factory.mktemp("data"))},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl+C" in line:
            break
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture
def shoot(page: Page, browser_name: str) -> Callable[[str], None]:
    """Keep a screenshot of the whole page under a name."""

    def take(name: str) -> None:
        assert re.fullmatch(r"[a-z-]+", name)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return take
