"""What things cost, as counts: of commands to Redis, cookies, bytes, connections and modules.

A count is the same on every machine, so it tells that something got dearer where a time could not.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from flask import Flask, session
from flask.testing import FlaskClient

from flask_altdentifier import blueprint

from .counted_redis import CountedRedis
from .security.peer import http, peer, saying
from .support import TOKEN, bare_app, begin, cookies_of, finish, log_in, make_app, query_of

UNKNOWN = f"/callback?code=a-code&state={'x' * 43}"
#: Of the two grants that are set, one makes room for the other. A session that has changed its id
#: goes under both.
CALLBACK = "DEL login, DEL session, DEL session, GET login, GET session, SET grant, SET grant"


@pytest.fixture
def redis() -> CountedRedis:
    """The Redis of `app`."""
    return CountedRedis()


@pytest.fixture
def app(redis: CountedRedis, request: pytest.FixtureRequest) -> Flask:
    """An app with sessions and logins on Redis, as the docs advise, that has served a login."""
    app = make_app(
        SESSION_TYPE="redis",
        SESSION_REDIS=redis,
        SESSION_REFRESH_EACH_REQUEST=False,
        ALTDENTIFIER_REFRESH=getattr(request, "param", False),
    )
    app.add_url_rule("/buy", "buy", lambda: session.setdefault("cart", "apples"))
    log_in(app.test_client())
    redis.records.clear()
    return app


@pytest.fixture
def member(app: Flask) -> FlaskClient:
    """A browser that is logged in; the app keeps nothing in the session."""
    client = app.test_client()
    log_in(client)
    return client


@pytest.fixture
def buyer(app: Flask) -> FlaskClient:
    """A browser that is logged in; the app keeps something in the session."""
    client = app.test_client()
    client.get("/buy")
    log_in(client)
    return client


# Commands to Redis


def test_public_view(client: FlaskClient, member: FlaskClient, redis: CountedRedis) -> None:
    """A public view sends nothing, whoever is logged in."""
    assert redis.count(client.get, "/") == ""
    assert redis.count(member.get, "/") == ""


def test_public_view_with_a_session(buyer: FlaskClient, redis: CountedRedis) -> None:
    """A public view costs Flask-Session's read, and nothing of ours."""
    assert redis.count(buyer.get, "/") == "GET session"


@pytest.mark.parametrize("app", [False, True], indirect=True, ids=["", "refreshing"])
def test_protected_view(member: FlaskClient, redis: CountedRedis) -> None:
    """A protected view reads the store once and writes nothing, also where grants are refreshed."""
    assert redis.count(member.get, "/me") == "GET grant"


def test_protected_view_with_a_session(buyer: FlaskClient, redis: CountedRedis) -> None:
    """Where the app keeps something in the session, Flask-Session reads that too."""
    assert redis.count(buyer.get, "/me") == "GET grant, GET session"


def test_protected_view_of_nobody(client: FlaskClient, redis: CountedRedis) -> None:
    """Who has no login cookie is sent away without a look into the store."""
    assert redis.count(client.get, "/me") == ""


def test_login(client: FlaskClient, redis: CountedRedis) -> None:
    """`/login` writes the pending login, and the session that lists it."""
    assert redis.count(client.get, "/login") == "SET login, SET session"


def test_callback(client: FlaskClient, redis: CountedRedis) -> None:
    """A login that works sends seven commands."""
    assert redis.count(finish, client, begin(client)) == CALLBACK


def test_callback_of_who_is_logged_in(member: FlaskClient, redis: CountedRedis) -> None:
    """A second login sends one more, which drops the older grant."""
    assert redis.count(finish, member, begin(member)) == f"DEL grant, {CALLBACK}"


def test_callback_with_an_unknown_state(
    client: FlaskClient, buyer: FlaskClient, redis: CountedRedis
) -> None:
    """A callback that nobody asked for sends nothing, and reads for who is logged in."""
    assert redis.count(client.get, UNKNOWN) == ""
    assert redis.count(buyer.get, UNKNOWN) == "GET grant, GET session"


def test_logout(member: FlaskClient, redis: CountedRedis) -> None:
    """A logout reads the grant, for the signal, and drops it; nothing of the login is left."""
    assert redis.count(member.post, "/logout") == "DEL grant, GET grant"
    assert redis.records == {}


def test_logout_with_a_session(buyer: FlaskClient, redis: CountedRedis) -> None:
    """Where there is a session, it moves to a new id."""
    expected = "DEL grant, DEL session, GET grant, GET session, SET session"
    assert redis.count(buyer.post, "/logout") == expected


# Cookies


def test_cookies_that_are_set(client: FlaskClient, buyer: FlaskClient) -> None:
    """A login begins with two, ends with one for two that go, and a logout takes that one back."""
    begun = client.get("/login")
    finished = finish(client, query_of(begun.location)["state"])
    answers = [begun, finished, client.post("/logout"), *map(buyer.get, ["/", "/me", UNKNOWN])]
    assert [len(answer.headers.getlist("Set-Cookie")) for answer in answers] == [2, 3, 1, 0, 0, 0]


@pytest.mark.parametrize(("scheme", "size"), [("http", 65), ("https", 72)])
def test_cookies_that_stay(client: FlaskClient, scheme: str, size: int) -> None:
    """Who is logged in sends one cookie, of 65 bytes, or 72 on https."""
    log_in(client, base_url=f"{scheme}://localhost")
    assert [len(f"{name}={value}") for name, value in cookies_of(client).items()] == [size]


# Room on the server


@pytest.mark.usefixtures("member")
def test_room_for_a_login(redis: CountedRedis) -> None:
    """A login leaves no session, and one record of less than 200 bytes."""
    assert redis.sizes("session") == []
    assert redis.sizes("grant") < [200]
    assert len(redis.records) == 1


@pytest.mark.parametrize("lost", ["nothing", "_state_"])
def test_room_for_logins_without_end(client: FlaskClient, redis: CountedRedis, lost: str) -> None:
    """A thousand logins begun in one session take the room of five, in session, store and jar."""
    sizes = {}
    for number in range(1, 1001):
        begin(client)
        sizes[number] = redis.sizes("session")
        for name in [name for name in cookies_of(client) if lost in name]:
            client.delete_cookie(name)
    assert (sizes[1], sizes[5], sizes[1000]) == ([88], [304], [304])
    assert (len(redis.sizes("login")), max(redis.sizes("login")) < 200) == (5, True)
    assert sum(len(f"{k}={v}") for k, v in cookies_of(client).items()) <= 591


# Connections, hooks and modules


def test_connections_for_twenty_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty logins of twenty browsers take one connection to AltDentifier, and one handshake."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    token = json.dumps(TOKEN | {"access_token": "blablatoken"}).encode()
    with peer(saying(http(token)), context) as provider:
        app = bare_app(ALTDENTIFIER_BASE_URL=provider.origin)
        app.register_blueprint(blueprint)
        for _ in range(20):
            log_in(app.test_client())
        assert (len(provider.requests), provider.connections) == (20, 1)
        assert context.session_stats()["accept_good"] == 1


@pytest.mark.usefixtures("member")
def test_hooks_after_a_login(app: Flask) -> None:
    """Logins add none either: no hook of ours runs in all views, templates or URLs of the app."""
    plain = bare_app()
    assert app.teardown_appcontext_funcs == plain.teardown_appcontext_funcs
    for name in ("before_request_funcs", "after_request_funcs", "teardown_request_funcs"):
        assert getattr(app, name) == {}
    for name in ("template_context_processors", "url_value_preprocessors", "url_default_functions"):
        assert getattr(app, name).get(None) == getattr(plain, name).get(None)


def test_modules_that_an_import_loads() -> None:
    """Beside Flask and Flask-Session the package loads 25 modules of its own, and cachelib."""
    code = (
        "import flask, flask_session, sys, json; before = set(sys.modules); "
        "import flask_altdentifier; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    packages = [name.partition(".")[0] for name in json.loads(done.stdout)]
    # From Python 3.11 on urllib.parse has loaded ipaddress before.
    assert set(packages) - {"ipaddress"} == {"flask_altdentifier", "cachelib"}
    assert packages.count("flask_altdentifier") == 25
