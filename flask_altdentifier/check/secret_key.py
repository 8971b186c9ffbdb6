"""Whether each start of the app makes another `SECRET_KEY`: starts it once more, and compares."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

from flask import Flask
from flask.cli import ScriptInfo

from .findings import Findings, finding

#: Seconds that the second start may take; one that takes longer tells nothing.
MAX_START = 20.0

_MARK = b"SECRET_KEY: "


def in_second_start(app: Flask, script: ScriptInfo) -> Findings:
    """Load the app in another process, as the next worker does.

    Only where *script* has loaded it by its import path; not for those who develop or test,
    who run one process.
    """
    if script.create_app is not None or not app.secret_key or app.debug or app.testing:
        return
    code = f"from {__name__} import tell; tell()"
    try:
        other = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code, script.app_import_path or ""],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MAX_START,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return
    told = other.stdout.rpartition(b"\n")[2]  # the app may print, too
    if told.startswith(_MARK) and told != _digest(app):
        yield finding("secret-key-random")


def tell() -> None:
    """Print the digest for the app at the import path in `sys.argv[1]`, and end this process."""
    digest = _digest(ScriptInfo(sys.argv[1] or None).load_app())
    os.write(1, b"\n" + digest)
    os._exit(0)  # whatever threads the app has started


def _digest(app: Flask) -> bytes:
    key = app.secret_key or b""
    secret = key.encode() if isinstance(key, str) else key
    return _MARK + hashlib.sha256(secret).hexdigest().encode()
