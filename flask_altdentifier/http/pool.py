"""The idle connections of one process to one origin."""

from __future__ import annotations

import os
import ssl
import time
from collections import deque
from urllib.parse import urlsplit

from .connection import Connection

#: Idle connections that are kept. More are opened if more exchanges run at once.
POOL_SIZE = 10


class ConnectionPool:
    """Keeps connections between exchanges. Threads share it, processes must not.

    urllib3's pool takes a connection back when a body has been read, which is before anybody
    knows whether the response was valid.
    """

    def __init__(self, origin: str) -> None:
        url = urlsplit(origin)
        self.process_id = os.getpid()
        self._host = url.hostname or ""
        self._port = url.port
        # One context for all connections, because parsing the CA bundle takes 20 ms.
        self._context = ssl.create_default_context() if url.scheme == "https" else None
        self._idle: deque[Connection] = deque()

    def acquire(self) -> Connection:
        """Return a connection that nobody else uses, the one used last if it is still usable."""
        while (connection := self._pop()) is not None:
            if connection.is_usable():
                return connection
            connection.close()
        return Connection(self._host, self._port, self._context)

    def release(self, connection: Connection) -> None:
        """Take *connection* back after an exchange. Closes it if there are enough."""
        connection.idle_since = time.monotonic()
        if connection.sock is None or len(self._idle) >= POOL_SIZE:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close all idle connections."""
        while (connection := self._pop()) is not None:
            connection.close()

    def _pop(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:  # also if another thread took the last one a moment ago
            return None
