"""A site under attack: gunicorn, its backend, the provider, and the browsers before it."""

from __future__ import annotations

import hashlib
import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .browser import Browser, Fleet
from .provider import Provider
from .servers import Gunicorn, RedisServer

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

#: How often each race is run. Set `INVARIANTS_ROUNDS` to search for longer.
ROUNDS = range(int(os.environ.get("INVARIANTS_ROUNDS", "10")))


class Site:
    """One gunicorn of two processes on one backend, with a provider of its own."""

    def __init__(self, backend: str, directory: Path) -> None:
        self.backend = backend
        self.directory = directory
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            enter = self._stack.enter_context
            self.provider = enter(Provider())
            self.redis = RedisServer(self.directory)
            if self.backend == "redis":
                enter(self.redis)
            self.gunicorn = enter(
                Gunicorn(
                    self.directory,
                    backend=self.backend,
                    redis_socket=self.redis.socket,
                    provider=self.provider.url,
                )
            )
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def browser(self, host: str = "app.test") -> Browser:
        """Return a new browser without any cookie."""
        return Browser(self.gunicorn.socket, self.gunicorn.gates, host)

    def fleet(self) -> Fleet:
        """Return eight connections for volleys; close them."""
        fleet = Fleet(self.gunicorn.socket)
        self._stack.callback(fleet.close)
        return fleet

    def kill_worker(self, process: int) -> None:
        """Kill one of gunicorn's two processes, which starts another for it."""
        os.kill(process, signal.SIGKILL)

    def session_records(self) -> bytes:
        """Return all that the session backend holds in sessions, as bytes."""
        if self.backend == "redis":
            get: Any = self.redis.client.get
            return b"\n".join(get(key) or b"" for key in self.redis.client.scan_iter("session:*"))
        return b"\n".join(
            path.read_bytes() for path in (self.directory / "sessions").iterdir() if path.is_file()
        )

    def has_key_with(self, secret: str) -> bool:
        """Tell whether *secret* is, or is part of, the key of a record, or names one as a file."""
        if self.backend == "redis":
            return any(secret.encode() in key for key in self.redis.client.scan_iter())
        name = hashlib.sha256(secret.encode()).hexdigest()
        return any(
            secret in path.name or path.name == name
            for folder in ("sessions", "logins")
            for path in (self.directory / folder).iterdir()
        )
