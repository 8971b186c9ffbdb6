"""Whether each start of the app makes another `SECRET_KEY`: starts it once more, and compares."""

from __future__ import annotations

import hashlib
import os
import subprocess  # nosec B404
import sys
from collections.abc import Mapping
from tempfile import TemporaryFile

from flask import Flask
from flask.cli import ScriptInfo

from .findings import Findings, finding

#: Seconds that the second start may take; one that takes longer tells nothing.
MAX_START = 20.0

_MARK = b"SECRET_KEY: "


def in_second_start(
    app: Flask, script: ScriptInfo, environ: Mapping[str, str] | None = None
) -> Findings:
    """Load the app in another process with *environ* (else this one's), as the next worker does.

    Only where *script* has loaded it by its import path; not for those who develop or test,
    who run one process.
    """
    if script.create_app is not None or not app.secret_key or app.debug or app.testing:
        return
    code = f"from {__name__} import tell; tell()"
    try:
        # No pipe: what the app leaves running would keep it open.
        with TemporaryFile() as output:
            subprocess.run(  # noqa: S603  # nosec B603
                [sys.executable, "-c", code, script.app_import_path or ""],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                timeout=MAX_START,
                check=True,
            )
            output.seek(0)
            printed = output.read()
    except (OSError, subprocess.SubprocessError):
        return
    digest = _digest(app)
    _, mark, told = printed.rpartition(_MARK)  # the app may print, too, before and after
    if mark and told[: len(digest)] != digest:
        yield finding("secret-key-random")


def tell() -> None:
    """Print the digest for the app at the import path in `sys.argv[1]`, and end this process."""
    digest = _digest(ScriptInfo(sys.argv[1] or None).load_app())
    os.write(1, _MARK + digest)
    os._exit(0)  # whatever threads the app has started


def _digest(app: Flask) -> bytes:
    key: object = app.secret_key  # a number, where `from_prefixed_env` found digits
    secret = key if isinstance(key, bytes) else str(key).encode(errors="surrogatepass")
    return hashlib.sha256(secret).hexdigest().encode()
