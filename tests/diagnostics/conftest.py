"""Keeps the machine's own environment out of the checks."""

from __future__ import annotations

import os

import pytest

from flask_altdentifier.diagnostics.subject import PLATFORM_VARIABLES


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [name for name in os.environ if "ALTDENTIFIER" in name]
    for name in ("FLASK_RUN_HOST", "FORWARDED_ALLOW_IPS", *PLATFORM_VARIABLES, *ours):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")  # Flask sets it, and never removes it
