"""The figures of docs/scale.md: what one user costs Redis, and what many need."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import partial

from .browser import REDIRECT, Browser
from .lab import Lab, Place
from .lines.views import BATCH, visits
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
KINDS = {
    "grant": "login",
    "pending": "started login, until its callback",
    "session": "started login, until its callback",
    "return": "finished login",
}


Commands = dict[str, Counter[str]]
#: Bytes and seconds of life by kind of record.
Records = dict[str, tuple[float, float]]


def fields(lab: Lab) -> dict[str, str]:
    """Measure, and return the fields of the page's template."""
    place = lab.on_redis("ours")
    commands, cpu = _count_commands(lab, place), _measure_cpu(lab, place)
    records = _measure_records(lab, place)
    lines = [
        [f"`{kind}`", KINDS[kind], f"{life:,.0f}", f"{size:,.0f}"]
        for kind, (size, life) in records.items()
    ]
    head = ["logged-in users", "logins/s", "protected views/s", "commands/s", "memory of Redis"]
    return {
        "commands": table(
            ["request", "commands"],
            [[name, _listed(counts)] for name, counts in commands.items()],
        ),
        "records": table(["record", "one for each", "lives (s)", "bytes"], lines),
        "plan": table(
            [*head, "Redis servers", "CPUs of the app"],
            [_plan(users, commands, records, *cpu) for users in USERS],
        ),
        "cpu": f"One command takes {cpu[0] * 1e6:.0f} µs of Redis's CPU, and a protected view "
        f"{cpu[1] * 1e6:.0f} µs of the app's, in a run of its own.",
    }


def _count_commands(lab: Lab, place: Place) -> Commands:
    browser, paths = Browser(place), list[str]()
    requests: dict[str, Callable[[], object]] = {
        "`/login`": lambda: paths.append(browser.start_login()),
        "`/callback`": lambda: browser.request(paths[0], REDIRECT),
        "protected view": partial(browser.request, "/protected"),
        "public view": partial(browser.request, "/public"),
        "`/logout`": partial(browser.request, "/logout", REDIRECT, "POST"),
    }
    return {name: lab.redis.count_commands(request) for name, request in requests.items()}


def _measure_cpu(lab: Lab, place: Place) -> tuple[float, float]:
    batch, before, rounds = visits(place), lab.redis.cpu_time(), lab.amount(100, 10)
    app_cpu = sorted(batch() for _ in range(rounds))[rounds // 2] / 1e6
    return (lab.redis.cpu_time() - before) / (rounds * BATCH), app_cpu


def _measure_records(lab: Lab, place: Place) -> Records:
    """Return bytes and seconds of life of the records of a finished and of a started login."""
    client, records = lab.redis.client(place.database), {}
    client.flushdb()
    Browser(place).log_in()
    Browser(place).start_login()
    for kind in KINDS:
        [key] = client.keys(f"altdentifier:*:{kind}:*")
        records[kind] = (float(client.memory_usage(key, samples=0)), float(client.ttl(key)))
    return records


def _plan(
    users: int, commands: Commands, records: Records, redis_cpu: float, app_cpu: float
) -> list[str]:
    """Return what a number of logged-in users needs in the busiest hour."""
    number = {name: counts.total() for name, counts in commands.items()}
    logins = users / records["grant"][1]
    started = logins / FINISHED
    views = PEAK * users * ACTIVE * VISITS / 86_400
    asked = views * number["protected view"]
    asked += PEAK * (started * number["`/login`"] + logins * number["`/callback`"])
    short_lived = sum(size * life for kind, (size, life) in records.items() if kind != "grant")
    memory = users * records["grant"][0] + started * short_lived
    servers = max(memory / NODE_BYTES, asked * redis_cpu / LOAD)
    return [
        *(f"{n:,.0f}" if n >= 10 else f"{n:.2g}" for n in (users, PEAK * logins, views, asked)),
        f"{memory / 1e9:,.0f} GB" if memory >= 1e9 else f"{memory / 1e6:,.0f} MB",
        f"{math.ceil(servers)}",
        f"{math.ceil(views * app_cpu / LOAD)}",
    ]


def _listed(counts: Counter[str]) -> str:
    names = ", ".join(f"{n} {name.upper()}" for name, n in sorted(counts.items()))
    return f"{counts.total()}: {names}" if names else "0"
