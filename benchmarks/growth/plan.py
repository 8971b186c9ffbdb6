"""What many users need, worked out from what was measured of few."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .measured import Growth
from .traffic import CALLBACK, LOGIN, PROTECTED

#: Logged-in users.
USERS = (10_000, 1_000_000, 100_000_000)

#: Share of the logged-in users who come on a day, and their protected requests on that day.
ACTIVE, VISITS = 0.2, 50
#: How much more comes in the busiest hour than on average.
PEAK = 3
#: Share of the logins begun that are finished.
FINISHED = 0.5
#: Seconds for which a session lives.
SESSION_LIFETIME = 12 * 3600
#: How full a server gets: bytes of records on one Redis, and the shares of its CPU and a worker's.
NODE, LOAD = 16e9, 0.5
#: Threads of a worker, which has one CPU.
THREADS = 4

DAY = 86_400


@dataclass(frozen=True)
class Plan:
    """What a number of logged-in users needs in the busiest hour."""

    users: int
    growth: Growth

    @property
    def logins(self) -> float:
        """Logins finished in a second: one for each user and lifetime of a grant."""
        return PEAK * self.users / self.growth.records["grant"].lifetime

    @property
    def requests(self) -> float:
        """Protected requests in a second."""
        return PEAK * self.users * ACTIVE * VISITS / DAY

    @property
    def commands(self) -> float:
        """Commands to Redis in a second."""
        each = {title: traffic.total for title, traffic in self.growth.traffic.items()}
        logins = self.logins * (each[LOGIN] / FINISHED + each[CALLBACK])
        return logins + self.requests * each[PROTECTED]

    @property
    def memory(self) -> float:
        """Bytes on Redis: of grants, of pending logins and of the sessions that list them."""
        begun = self.logins / PEAK / FINISHED
        left = begun * (1 - FINISHED) * SESSION_LIFETIME * self.growth.room("session")
        pending = begun * self.growth.records["login"].lifetime * self.growth.room("login")
        return self.users * self.growth.room("grant") + pending + left

    @property
    def nodes(self) -> int:
        """How many Redis servers share the records and the commands."""
        sustained = min(self.growth.capacity.reads, self.growth.capacity.writes) * LOAD
        return math.ceil(max(self.memory / NODE, self.commands / sustained))

    @property
    def workers(self) -> int:
        """Workers with one CPU each."""
        return math.ceil(self.requests / (self.growth.capacity.requests * LOAD))

    @property
    def redis(self) -> str:
        """Which Redis."""
        if self.nodes == 1:
            return "one, and a replica"
        return f"a cluster of {max(3, self.nodes)}, each with a replica"

    @property
    def connections(self) -> int:
        """Connections to each Redis."""
        return self.workers * THREADS
