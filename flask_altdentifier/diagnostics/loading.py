"""Explains in one line why an app cannot be loaded."""

from __future__ import annotations

import traceback
from pathlib import Path
from sysconfig import get_path

from flask.cli import NoAppException

from ..errors import ConfigError
from .config_keys import explain_config_error
from .findings import Finding, finding


def explain_load_error(error: BaseException) -> Finding:
    """Return the finding for an app whose loading raised *error*."""
    if isinstance(error, ConfigError):
        return explain_config_error(error)
    if isinstance(error, NoAppException):
        if error.message.startswith("While importing") and error.__context__ is not None:
            # Flask found the app, but something that the app imports is missing.
            return explain_load_error(error.__context__)
        fix = "Name the app with flask --app MODULE, or change to the folder with app.py."
        return finding("app-not-loaded", error=_first_and_last_line(error.message), fix=fix)
    text = f"{type(error).__name__}: {_first_and_last_line(str(error))}"
    return finding("app-not-loaded", error=text, fix=f"Correct {_place(error)}.")


def _first_and_last_line(text: str) -> str:
    """Return *text* in one line. Some messages have many."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"


def _place(error: BaseException) -> str:
    """Return the line of the app's code that failed, rather than a line of a library."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno} of {error.filename}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _is_library(frame.filename)]
    last = (own or frames)[-1]
    return f"line {last.lineno} of {last.filename}"


def _is_library(filename: str) -> bool:
    libraries = (get_path("stdlib"), str(Path(__file__).parents[1]))
    return filename.startswith((*libraries, "<")) or "site-packages" in filename
