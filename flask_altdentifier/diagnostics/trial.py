"""Runs a function that may hang, and reports how it failed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Flask

#: Seconds within which a server must answer.
MAX_WAIT = 2.0


class Failure(Exception):
    """A trial failed. Only the class of the cause is kept: its text may contain passwords."""

    def __init__(self, cause: str, error: Exception | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.error = error

    @property
    def text(self) -> str:
        """The cause in parentheses, for the end of a sentence."""
        return f" ({self.cause})"


def run_in_time(app: Flask, trial: Callable[[], None]) -> Failure | None:
    """Run *trial* in the context of *app*, and return how it failed, or None.

    It runs in a thread, because a client without timeouts may wait forever.
    """
    results: list[Failure | None] = []

    def run() -> None:
        try:
            with app.app_context():
                trial()
            results.append(None)
        except Failure as failure:
            results.append(failure)
        except Exception as error:
            results.append(Failure(type(error).__name__, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(MAX_WAIT)
    return results[0] if results else Failure(f"no answer within {MAX_WAIT:g} seconds")
