"""What a request of somebody who is logged in costs, and of somebody who is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .. import targets
from ..browser import OK, Browser, repeat, timed
from ..contenders import NAMES
from ..lab import Lab, Place, Row
from ..samples import Batch, Samples, interleaved
from ..servers import postgres_server
from ..targets import Target

BATCH = 30
UNWRITTEN: dict[str, Any] = {"SESSION_REFRESH_EACH_REQUEST": False}


def protected(lab: Lab) -> list[Row]:
    """A protected view, without a server."""
    title = "protected view, embedded"
    bounds = (targets.of_floor(0.4), targets.of_peers(0.4))
    unwritten = partial(lab.embedded, **UNWRITTEN)
    return [
        _row(lab, title, lab.embedded, bounds),
        _row(lab, f"{title}, something in the session", lab.embedded, keep=True),
        _row(lab, f"{title}, session not rewritten", unwritten),
        _row(lab, f"{title}, others in signed cookies", partial(_signed_cookies, lab)),
    ]


def protected_redis(lab: Lab) -> list[Row]:
    """A protected view, everything in Redis."""
    title = "protected view, Redis"
    unwritten = partial(lab.on_redis, **UNWRITTEN)
    return [
        _row(lab, title, lab.on_redis, (targets.of_peers(0.7),)),
        _row(lab, f"{title}, something in the session", lab.on_redis, keep=True),
        _row(lab, f"{title}, session not rewritten", unwritten),
    ]


def postgres(lab: Lab) -> list[Row]:
    """A protected view, everything in PostgreSQL."""
    rows = []
    with postgres_server(lab.directory) as port:
        for driver in ("pg8000", "psycopg"):
            url = f"postgresql+{driver}://postgres@127.0.0.1:{port}/postgres"
            place = partial(lab.on_database, url=url)
            rows.append(_row(lab, f"protected view, PostgreSQL by {driver}", place, rounds=20))
    return rows


def public(lab: Lab) -> list[Row]:
    """A view that has nothing to do with logins."""
    bounds = (targets.of_floor(1.02),)

    def hooks(name: str) -> Batch:
        return partial(_count_hooks, lab.embedded(name))

    return [
        _row(lab, "public view, new visitor", lab.embedded, bounds, visit=_new_visits, rounds=120),
        _row(lab, "public view, something in the session", lab.embedded, bounds, visit=_visits),
        _each("hooks on the app", hooks, (targets.at_most(0),)),
    ]


def redis_commands(lab: Lab) -> list[Row]:
    """What Redis is asked for one protected view."""
    reads, writes = Samples(), Samples()
    for name in NAMES:
        browser = _visitor(lab.on_redis(name), "/protected")
        calls = lab.redis.count_commands(partial(browser.request, "/protected"))
        reads.values[name] = [float(calls["get"])]
        writes.values[name] = [float(calls.total() - calls["get"])]
    return [
        Row("Redis reads, protected view", reads, (targets.at_most(1),), exact=True),
        Row("Redis writes, protected view", writes, (targets.at_most(0),), exact=True),
    ]


def _row(
    lab: Lab,
    title: str,
    build: Callable[[str], Place],
    bounds: tuple[Target, ...] = (),
    *,
    keep: bool = False,
    visit: Callable[[Place], Batch] | None = None,
    rounds: int = 50,
) -> Row:
    visit = visit or partial(visits, url="/protected", keep=keep)

    def prepare(name: str) -> Batch:
        return visit(build(name))

    samples = interleaved({name: partial(prepare, name) for name in NAMES}, lab.amount(rounds, 6))
    return Row(f"{title} (µs)", samples, bounds)


def _each(title: str, prepare: Callable[[str], Batch], bounds: tuple[Target, ...]) -> Row:
    samples = interleaved({name: partial(prepare, name) for name in NAMES}, 1, warm_up=0)
    return Row(title, samples, bounds, exact=True)


def visits(place: Place, url: str = "/protected", *, keep: bool = False) -> Batch:
    """Return a batch of visits to *url* by somebody who is logged in."""
    browser = _visitor(place, url, keep=keep)

    def batch() -> float:
        return timed(place.app, repeat(browser.environ(url), BATCH), OK) * 1e6

    return batch


def _new_visits(place: Place) -> Batch:
    def batch() -> float:
        environ = Browser(place.app).environ("/public")
        return timed(place.app, repeat(environ, BATCH), OK) * 1e6

    return batch


def _visits(place: Place) -> Batch:
    return visits(place, "/public", keep=True)


def _visitor(place: Place, url: str, *, keep: bool = False) -> Browser:
    browser = Browser(place.app)
    browser.log_in(place.contender)
    if keep:
        browser.request("/keep")
    browser.request(url)
    return browser


def _signed_cookies(lab: Lab, name: str) -> Place:
    return lab.embedded(name) if name == "ours" else lab.with_signed_cookies(name)


def _count_hooks(place: Place) -> float:
    app = place.app
    of_requests = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    listed = [hooks.get(None, []) for hooks in of_requests]
    return float(sum(map(len, [*listed, app.teardown_appcontext_funcs])))
