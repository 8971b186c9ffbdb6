"""One deadline for a whole exchange."""

from __future__ import annotations

import time


class Deadline:
    """Counts down the seconds of one exchange.

    Timeouts of sockets restart with each read, so a peer that sends a byte now and then could
    occupy a worker for as long as it likes.

    Example::

        sock.settimeout(Deadline(10.0).left())
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left. Raises `TimeoutError` if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left
