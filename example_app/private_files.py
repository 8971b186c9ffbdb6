"""Creates private files, because the logins and the names of members must not be public."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from flask_altdentifier.errors import ConfigError


def create_private_directory(path: str) -> None:
    """Create a directory with mode 0700.

    Raises `ConfigError` if it exists and is not private. Anybody who can write to it could replace
    the files, and log visitors in as somebody else.
    """
    directory = Path(path)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = directory.lstat()  # not stat(), because the target of a link can change at any time
    if not stat.S_ISDIR(status.st_mode) or not _is_private(status):
        raise ConfigError(
            f"{path} is not a directory of your own. Other users could replace the logins in it. "
            "Fix: remove it, or set FLASK_INSTANCE_PATH to a directory that only you can write to."
        )


def create_private_file(path: Path) -> None:
    """Create an empty file with mode 0600. Raises `ConfigError` if it exists and is not private.

    An existing file is not opened, because closing it would release SQLite's locks on it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or not _is_private(status):
            raise ConfigError(f"{path} is not a file of your own. Fix: remove it.") from None


def _is_private(status: os.stat_result) -> bool:
    """Return whether nobody but this user can write. Windows has no such modes."""
    if not hasattr(os, "geteuid"):  # pragma: no cover
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
