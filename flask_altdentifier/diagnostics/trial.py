"""Runs a function that may hang, and returns why it failed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Flask

#: Seconds within which a server must answer.
MAX_WAIT = 2.0


class NothingReturned(Exception):
    """A server does not return what was written to it."""


def run_in_time(app: Flask, trial: Callable[[], None]) -> str | None:
    """Run *trial* in the context of *app*. Return None, or why it failed.

    The reason is the class of the exception, because its text may contain passwords. *trial* runs
    in a thread, because a client without timeouts may wait forever.
    """
    results: list[str | None] = []

    def run() -> None:
        try:
            with app.app_context():
                trial()
            results.append(None)
        except Exception as error:
            results.append(type(error).__name__)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(MAX_WAIT)
    return results[0] if results else f"no answer within {MAX_WAIT:g} seconds"
