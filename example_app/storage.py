"""Where sessions and logins are kept: in private files, or on one Redis for several machines."""

from __future__ import annotations

from pathlib import Path

from cachelib import FileSystemCache
from flask import Flask


def configure(app: Flask) -> None:
    """Set the keys of Flask-Session, and where they need it `ALTDENTIFIER_STORE`."""
    if app.config["REDIS_URL"]:
        _use_redis(app, app.config["REDIS_URL"])
    else:
        _use_files(app, Path(app.config["DATA_DIR"]))


def _use_redis(app: Flask, url: str) -> None:
    import redis  # only here: files need no redis-py

    # Short timeouts and no retry: when Redis is down, a visitor is told so at once.
    client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=None)
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client)


def _use_files(app: Flask, directory: Path) -> None:
    app.config.update(
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=_files(directory / "sessions"),
        # A cache of its own: thousands of new sessions must not push out anyone's login.
        ALTDENTIFIER_STORE=_files(directory / "logins"),
    )


def private(directory: Path) -> Path:
    """Make a directory that only the owner can look into, and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)  # the files hold tokens, or whom a server has verified
    return directory


def _files(directory: Path) -> FileSystemCache:
    return FileSystemCache(str(private(directory)), threshold=100_000, mode=0o600)
