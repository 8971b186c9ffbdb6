"""What a request of somebody who is logged in costs, and of somebody who is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..browser import OK, Browser, repeat, timed
from ..contenders import NAMES
from ..lab import Lab, Place
from ..rows import Row, Target, at_most, of_floor, of_peers
from ..samples import Batch, Samples, interleaved
from ..servers import postgres_server

BATCH = 30
Build = Callable[[str], Place]


def protected(lab: Lab) -> list[Row]:
    """A protected view, without a server."""
    title = "protected view, embedded"
    unwritten = partial(lab.embedded, SESSION_REFRESH_EACH_REQUEST=False)
    return [
        _row(lab, title, lab.embedded, visits, (of_floor(0.4), of_peers(0.4))),
        _row(lab, f"{title}, something in the session", lab.embedded, _visits_kept),
        _row(lab, f"{title}, session not rewritten", unwritten),
        _row(lab, f"{title}, others in signed cookies", lambda name: lab.build(name, {})),
    ]


def protected_redis(lab: Lab) -> list[Row]:
    """A protected view, everything in Redis."""
    title = "protected view, Redis"
    unwritten = partial(lab.on_redis, SESSION_REFRESH_EACH_REQUEST=False)
    return [
        _row(lab, title, lab.on_redis, visits, (of_peers(0.7),)),
        _row(lab, f"{title}, something in the session", lab.on_redis, _visits_kept),
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
    bounds = (of_floor(1.02),)
    hooks = Samples({name: [_count_hooks(lab.embedded(name))] for name in NAMES})
    return [
        _row(lab, "public view, new visitor", lab.embedded, _new_visits, bounds, rounds=120),
        _row(lab, "public view, something in the session", lab.embedded, _public_visits, bounds),
        Row("hooks on the app", hooks, (at_most(0),), compare=False),
    ]


def redis_commands(lab: Lab) -> list[Row]:
    """What Redis is asked for one protected view."""
    reads, writes = Samples(), Samples()
    for name in NAMES:
        browser = _visitor(lab.on_redis(name), "/protected")
        calls = lab.redis.count_commands(partial(browser.request, "/protected"))
        reads[name], writes[name] = [calls["get"]], [calls.total() - calls["get"]]
    return [
        Row("Redis reads, protected view", reads, (at_most(1),), compare=False),
        Row("Redis writes, protected view", writes, (at_most(0),), compare=False),
    ]


def visits(place: Place, url: str = "/protected", *, keep: bool = False) -> Batch:
    """Return a batch of visits to *url* by somebody who is logged in."""
    browser = _visitor(place, url, keep=keep)
    return lambda: timed(place.app, repeat(browser.environ(url), BATCH), OK) * 1e6


_visits_kept = partial(visits, keep=True)
_public_visits = partial(visits, url="/public", keep=True)


def _new_visits(place: Place) -> Batch:
    environ = Browser(place).environ("/public")
    return lambda: timed(place.app, repeat(environ, BATCH), OK) * 1e6


def _row(
    lab: Lab,
    title: str,
    build: Build,
    visit: Callable[[Place], Batch] = visits,
    bounds: tuple[Target, ...] = (),
    *,
    rounds: int = 50,
) -> Row:
    samples = interleaved(NAMES, lambda name: visit(build(name)), lab.amount(rounds, 6))
    return Row(f"{title} (µs)", samples, bounds)


def _visitor(place: Place, url: str, *, keep: bool = False) -> Browser:
    browser = Browser(place)
    browser.log_in()
    if keep:
        browser.request("/keep")
    browser.request(url)
    return browser


def _count_hooks(place: Place) -> float:
    app = place.app
    of_requests = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs)
    on_requests = sum(len(hooks.get(None, ())) for hooks in of_requests)
    return on_requests + len(app.teardown_appcontext_funcs)
