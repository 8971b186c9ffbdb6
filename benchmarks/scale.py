"""The figures of docs/scale.md: what one user costs Redis, and what many need."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from .browser import REDIRECT, Browser
from .lab import Lab, Place
from .lines.views import visits
from .report import table

USERS = (10_000, 1_000_000, 100_000_000)
#: Share of the logged-in users who come on a day, and their protected requests on that day.
ACTIVE, VISITS = 0.2, 50
#: How much more comes in the busiest hour than on average.
PEAK = 3
#: Share of the started logins that are finished.
FINISHED = 0.5
#: How full a server gets: bytes of records in one Redis, and the share of a CPU.
NODE_BYTES, LOAD = 16e9, 0.5
#: Of the records of one login: what there is one of, and when it ends.
KINDS = {
    "grant": "login",
    "pending": "started login, until its callback",
    "session": "started login, until its callback",
    "return": "finished login",
}


@dataclass(frozen=True)
class Cost:
    """What requests cost: commands to Redis, and seconds of CPU of Redis and of the app."""

    commands: dict[str, Counter[str]]
    #: Bytes and seconds of life of each kind of record.
    records: dict[str, tuple[float, float]]
    redis_cpu: float
    app_cpu: float

    def number_of_commands(self, request: str) -> int:
        """Return how many commands one request sends."""
        return self.commands[request].total()


def fields(lab: Lab) -> dict[str, str]:
    """Measure, and return the fields of the page's template."""
    cost = _measure(lab)
    lines = [_plan(users, cost) for users in USERS]
    head = ["logged-in users", "logins/s", "protected views/s", "commands/s", "Redis memory"]
    return {
        "commands": table(
            ["request", "commands to Redis"],
            [[name, _listed(counts)] for name, counts in cost.commands.items()],
        ),
        "records": table(
            ["record", "one for each", "lives (s)", "bytes"],
            [
                [f"`{kind}`", KINDS[kind], f"{life:,.0f}", f"{size:,.0f}"]
                for kind, (size, life) in cost.records.items()
            ],
        ),
        "plan": table([*head, "Redis servers", "CPUs for the check"], lines),
        "redis_cpu": f"{cost.redis_cpu * 1e6:.0f}",
        "app_cpu": f"{cost.app_cpu * 1e6:.0f}",
    }


def _measure(lab: Lab) -> Cost:
    place = lab.on_redis("ours")
    batch = visits(place)
    browser, steps = Browser(place.app), dict[str, Counter[str]]()
    path = ""

    def count(name: str, request: Callable[[], object]) -> None:
        steps[name] = lab.redis.count_commands(request)

    def start() -> None:
        nonlocal path
        path = browser.start_login(place.contender)

    count("`/login`", start)
    count("`/callback`", lambda: browser.request(path, REDIRECT))
    count("protected view", lambda: browser.request("/protected"))
    count("public view", lambda: browser.request("/public"))
    count("`/logout`", lambda: browser.request("/logout", REDIRECT, "POST"))
    before = lab.redis.cpu_time()
    number = lab.amount(100, 10)
    app_cpu = sorted(batch() for _ in range(number))[number // 2] / 1e6
    requests = lab.redis.count_commands(batch).total() * (number + 1)
    redis_cpu = (lab.redis.cpu_time() - before) / requests
    return Cost(steps, _measure_records(lab, place), redis_cpu, app_cpu)


def _measure_records(lab: Lab, place: Place) -> dict[str, tuple[float, float]]:
    """Return bytes and seconds of life of the records of a finished and of a started login."""
    client, records = lab.redis.client(place.database), {}
    client.flushdb()
    Browser(place.app).log_in(place.contender)
    Browser(place.app).start_login(place.contender)
    for kind in KINDS:
        [key] = client.keys(f"altdentifier:*:{kind}:*")
        records[kind] = (float(client.memory_usage(key, samples=0)), float(client.ttl(key)))
    return records


def _plan(users: int, cost: Cost) -> list[str]:
    """Return what a number of logged-in users needs in the busiest hour."""
    logins = users / cost.records["grant"][1]
    started = logins / FINISHED
    views = PEAK * users * ACTIVE * VISITS / 86_400
    commands = views * cost.number_of_commands("protected view") + PEAK * (
        started * cost.number_of_commands("`/login`")
        + logins * cost.number_of_commands("`/callback`")
    )
    short_lived = sum(size * life for kind, (size, life) in cost.records.items() if kind != "grant")
    memory = users * cost.records["grant"][0] + started * short_lived
    servers = max(memory / NODE_BYTES, commands * cost.redis_cpu / LOAD)
    figures = [users, PEAK * logins, views, commands]
    return [
        *(f"{figure:,.0f}" if figure >= 10 else f"{figure:.2g}" for figure in figures),
        f"{memory / 1e9:,.0f} GB" if memory >= 1e9 else f"{memory / 1e6:,.0f} MB",
        f"{math.ceil(servers)}",
        f"{math.ceil(views * cost.app_cpu / LOAD)}",
    ]


def _listed(counts: Counter[str]) -> str:
    names = ", ".join(f"{n} {name.upper()}" for name, n in sorted(counts.items()))
    return f"{counts.total()}: {names}" if names else "0"
