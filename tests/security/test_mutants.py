"""What mutation testing found that no other test held: see `docs/mutation.md`."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache, NullCache, SimpleCache
from flask import Flask, session
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from flask_altdentifier import (
    Grant,
    blueprint,
    cookies,
    current_grant,
    errors,
    logout,
    protect,
    refresh,
    signals,
    token_response,
    urls,
)
from flask_altdentifier.callback import CallbackQuery
from flask_altdentifier.errors import ConfigError, StoreUnavailable
from flask_altdentifier.settings import Settings
from flask_altdentifier.store import Store, hashed, namespace

from ..support import (
    PAGE,
    SCRIPT,
    FakeAltDentifier,
    altdentifier,
    bare_app,
    begin,
    cookies_of,
    extension,
    finish,
    log_in,
    make_app,
    reason,
)

WEEK = 604_800


def cache_of(app: Flask) -> SimpleCache:
    """Return the cache behind the store of *app*."""
    cache = extension(app).store.cache
    assert isinstance(cache, SimpleCache)
    return cache


def records(app: Flask, kind: str) -> dict[str, Any]:
    """Return the records of one kind in the store of *app*, by key."""
    cache = cache_of(app)
    return {key: json.loads(cache.get(key)) for key in cache._cache if f":{kind}:" in key}


def set_cookies(response: Any) -> dict[str, str]:
    """Return the attributes of each cookie of ours that a response sets, by name."""
    lines = [c for c in response.headers.getlist("Set-Cookie") if "altdentifier" in c]
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that stands still until it is set: call it with seconds since it was stopped."""
    stopped = float(int(time.time()))
    now = [stopped]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def turn(seconds: float) -> None:
        now[0] = stopped + seconds

    return turn


# Pending logins


def test_oldest_login_makes_room_everywhere(app: Flask) -> None:
    """The sixth login takes the oldest out of the store, the session and the cookies."""
    with app.test_client() as client:
        states = [begin(client) for _ in range(9)]
        assert set(session["altdentifier_states"]) == set(states[-5:])
        assert {key.rpartition(":")[2] for key in records(app, "login")} == set(states[-5:])
        # The newest to finish is the oldest that is left.
        assert finish(client, states[-5]).status_code == 303


def test_order_of_logins_is_the_order_in_time(app: Flask, client: FlaskClient) -> None:
    """Which login makes room is told by when it began, not by its state."""
    states = [begin(client) for _ in range(40)]
    for state in states[:-5]:
        assert reason(finish(client, state)) == "invalid_state"
    assert len(records(app, "login")) == 5


def test_state_without_a_cookie_makes_room_first(app: Flask, client: FlaskClient) -> None:
    """What only the session lists goes before what a cookie vouches for, though it is newer."""
    states = [begin(client) for _ in range(5)]
    for name in [k for k in cookies_of(client) if k.endswith(states[4][:16])]:
        client.delete_cookie(name)
    begin(client)
    assert reason(finish(client, states[4])) == "invalid_state"
    assert finish(client, states[0]).status_code == 303


def test_other_logins_stay_listed(app: Flask) -> None:
    """A login that is finished leaves the others in the session."""
    with app.test_client() as client:
        states = [begin(client) for _ in range(3)]
        finish(client, states[1])
        assert set(session["altdentifier_states"]) == {states[0], states[2]}
        for name in [k for k in cookies_of(client) if "_state_" in k]:
            client.delete_cookie(name)
        assert finish(client, states[0]).status_code == 303


def test_login_ends_at_its_end(
    app: Flask, client: FlaskClient, clock: Callable[[float], None]
) -> None:
    """In the second in which its lifetime has passed, a pending login is over."""
    early, late = begin(client), begin(client)
    clock(599)
    assert finish(client, early).status_code == 303
    client.post("/logout")
    clock(600)
    assert reason(finish(client, late)) == "invalid_state"


def test_first_login_looks_at_the_set_up(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Mistakes that can be seen are told at the first login, and not again."""
    assert [log_in(client).status_code for _ in range(2)] == [303, 303]
    assert [text.partition(":")[0] for text in caplog.messages] == ["session-refresh"]


def test_each_way_to_the_site_is_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake that only another host name shows is told at the first login on that one."""
    config = {"ALTDENTIFIER_REDIRECT_URI": "https://shop.test/callback"}
    app = make_app(SESSION_REFRESH_EACH_REQUEST=False, SESSION_COOKIE_SECURE=True, **config)
    for host in ("shop.test", "www.shop.test", "www.shop.test"):
        begin(app.test_client(), base_url=f"https://{host}")
    assert [text.partition(":")[0] for text in caplog.messages] == ["redirect-host"]


def test_word_of_a_proxy_is_another_way(caplog: pytest.LogCaptureFixture) -> None:
    """A login through a proxy is looked at, though one without it came first."""
    client = make_app(SESSION_REFRESH_EACH_REQUEST=False).test_client()
    begin(client)
    assert caplog.messages == []
    begin(client, headers={"X-Forwarded-Proto": "https"})
    assert [text.partition(":")[0] for text in caplog.messages] == ["proxy"]


def test_ways_to_the_site_do_not_fill_the_memory(app: Flask, client: FlaskClient) -> None:
    """Who sends ever new host names has twenty of them remembered at most."""
    for number in range(25):
        begin(client, base_url=f"http://host{number}.test")
    assert len(extension(app).ways) == 20


def test_host_names_do_not_fill_the_memory(app: Flask, client: FlaskClient) -> None:
    """Who sends ever new host names has 64 of them remembered at most."""
    for number in range(70):
        begin(client, base_url=f"http://host{number}.test")
    assert extension(app).provider._common_url.cache_info().currsize == 64


def test_verifier_has_64_characters() -> None:
    """PKCE's verifier is 48 random bytes."""
    app = make_app(ALTDENTIFIER_PKCE=True)
    client = app.test_client()
    finish(client, begin(client))
    assert len(altdentifier(app).requests[0][3]["code_verifier"]) == 64


# Cookies


def test_vary_of_the_view_stays(app: Flask, client: FlaskClient) -> None:
    """A view's own `Vary` is added to."""

    @app.get("/known")
    def known() -> Any:
        return str(bool(current_grant)), {"Vary": "Accept-Language"}

    assert client.get("/known").headers["Vary"] == "Accept-Language, Cookie"


def test_second_cookie_of_one_name_vouches(app: Flask, client: FlaskClient) -> None:
    """A planted cookie of the same name does not hide the one that vouches."""
    state = begin(client)
    [(name, value)] = [(k, v) for k, v in cookies_of(client).items() if "_state_" in k]
    bare = app.test_client(use_cookies=False)
    headers = {"Cookie": f"{name}={time.time_ns()}.{'x' * 43}; {name}={value}"}
    assert finish(bare, state, headers=headers).status_code == 303


def test_cookies_that_are_taken_back(client: FlaskClient) -> None:
    """A cookie is deleted by an empty value, an age of nothing and an end in 1970."""
    state = begin(client)
    callback = set_cookies(finish(client, state))
    deleted = [v for k, v in callback.items() if "_state_" in k]
    deleted += set_cookies(client.post("/logout")).values()
    assert len(deleted) == 2
    for cookie in deleted:
        assert cookie.startswith(";")
        assert "Max-Age=0;" in cookie
        assert "Expires=Thu, 01 Jan 1970 00:00:00 GMT;" in cookie


def test_login_cookie_lasts_as_long_as_the_grant(client: FlaskClient) -> None:
    """The login cookie ends with the grant."""
    [cookie] = [v for k, v in set_cookies(log_in(client)).items() if "_state_" not in k]
    age = int(cookie.partition("Max-Age=")[2].partition(";")[0])
    assert WEEK - 2 <= age <= WEEK


def test_name_of_a_state_cookie(client: FlaskClient) -> None:
    """It ends in the first 16 characters of the state, which tell nothing of the rest."""
    state = begin(client)
    [name] = cookies_of(client).keys() - {"session"}
    assert name == f"altdentifier_4da8dcc3_state_{state[:16]}"


# The grant


def test_times_are_utc(app: Flask, client: FlaskClient) -> None:
    """`expires_at` knows its zone, right after the login and later."""
    seen: list[Any] = []

    @app.get("/when")
    def when() -> str:
        seen.append(current_grant.expires_at)
        return "seen"

    def keep(sender: Flask, grant: Any) -> None:
        seen.append(grant.expires_at)

    with signals.logged_in.connected_to(keep, app):
        log_in(client)
    client.get("/when")
    assert seen[0] == seen[1]
    for moment in seen:
        assert moment.tzinfo is timezone.utc
        assert moment.utcoffset() == timedelta(0)


def test_room_is_kept_where_the_grant_will_be(
    app: Flask, client: FlaskClient, provider: FakeAltDentifier
) -> None:
    """While the code is exchanged the grant's own key holds nothing, and then the grant."""
    kept: list[dict[str, Any]] = []
    request = provider.request

    def look(*args: Any, **options: Any) -> Any:
        kept.append(records(app, "grant"))
        return request(*args, **options)

    provider.request = look  # type: ignore[method-assign]
    log_in(client)
    [(key, value)] = kept[0].items()
    assert value is None
    assert [name for name, grant in records(app, "grant").items() if grant] == [key]
    # For two minutes: an exchange takes `ALTDENTIFIER_TIMEOUT` at most.
    provider.status = 400
    finish(client, begin(client))
    [room] = [k for k, grant in records(app, "grant").items() if grant is None]
    assert 100 < cache_of(app)._cache[room][0] - time.time() < 140


@pytest.mark.parametrize("leave", [True, False])
def test_refused_login_leaves_nothing(app: Flask, client: FlaskClient, leave: bool) -> None:
    """A receiver that raises or logs out leaves no record, and no grant in this request."""
    seen: list[Any] = []

    def refuse(sender: Flask, grant: Any) -> None:
        if leave:
            logout()
            seen.append(attribute_of_nobody())
        else:
            raise errors.AccessDenied

    def look(sender: Flask, error: Any) -> None:
        seen.append(attribute_of_nobody())

    with (
        signals.logged_in.connected_to(refuse, app),
        signals.login_failed.connected_to(look, app),
    ):
        finish(client, begin(client))
    assert seen == [RuntimeError]
    assert [grant for grant in records(app, "grant").values() if grant] == []
    assert records(app, "grant") == {}


def attribute_of_nobody() -> type[BaseException] | None:
    """Return what reading the grant of nobody raises."""
    assert not current_grant
    try:
        _ = current_grant.scope
    except Exception as error:
        return type(error)
    return None


def test_grant_of_nobody_says_what_to_do(app: Flask) -> None:
    """The error names both ways to ask first."""
    with app.test_request_context(), pytest.raises(RuntimeError) as caught:
        _ = current_grant.scope
    assert str(caught.value) == (
        "Nobody is logged in here. Ask `if current_grant:` first, "
        "or guard the view with @requires_scope()."
    )


# Refreshing


@pytest.fixture
def refreshing() -> Flask:
    """An app that refreshes."""
    return make_app(ALTDENTIFIER_REFRESH=True)


def test_refresh_goes_to_the_token_endpoint(
    refreshing: Flask, clock: Callable[[float], None]
) -> None:
    """A refresh request is a POST to the same path as the exchange."""
    client = refreshing.test_client()
    log_in(client)
    clock(WEEK + 5)
    client.get("/me")
    assert {request[:2] for request in altdentifier(refreshing).requests} == {
        ("POST", "/oauth2/token")
    }
    assert len(altdentifier(refreshing).requests) == 2


def test_refreshed_grant_is_used_as_it_is(
    refreshing: Flask, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once refreshed, a request reads two records and takes none."""
    client = refreshing.test_client()
    log_in(client)
    clock(WEEK + 5)
    client.get("/me")
    calls: list[str] = []
    cache = cache_of(refreshing)

    def counted(name: str) -> Callable[[str], Any]:
        method = getattr(cache, name)

        def call(key: str) -> Any:
            calls.append(name)
            return method(key)

        return call

    monkeypatch.setattr(cache, "get", counted("get"))
    monkeypatch.setattr(cache, "delete", counted("delete"))
    assert client.get("/me").status_code == 200
    assert calls == ["get", "get"]


def test_logout_drops_what_was_refreshed(refreshing: Flask, clock: Callable[[float], None]) -> None:
    """After a logout no token is left in the store; the receiver is told the newest grant."""
    client = refreshing.test_client()
    told: list[str] = []

    @refreshing.get("/leave")
    def leave() -> str:
        assert current_grant
        logout()
        return "left"

    log_in(client)
    clock(WEEK + 5)
    client.get("/me")
    assert len(records(refreshing, "refreshed")) == 1
    with signals.logged_out.connected_to(lambda _, grant: told.append(grant.access_token)):
        client.get("/leave")
    assert told == ["blablatoken1"]
    assert records(refreshing, "refreshed") == {}
    assert records(refreshing, "grant") == {}


def test_grant_that_cannot_be_refreshed_lasts_as_long_as_it_does(client: FlaskClient) -> None:
    """Cookie and record of a grant without refreshing end with it."""
    for config, sent, longer in [
        ({}, "x", 0),
        ({"ALTDENTIFIER_REFRESH": True}, None, 0),
        ({"ALTDENTIFIER_REFRESH": True}, "x", refresh.LIFETIME),
    ]:
        app = make_app(**config)
        altdentifier(app).token = {"refresh_token": sent}
        browser = app.test_client()
        [cookie] = [v for k, v in set_cookies(log_in(browser)).items() if "_state_" not in k]
        age = int(cookie.partition("Max-Age=")[2].partition(";")[0])
        assert WEEK + longer - 2 <= age <= WEEK + longer


@pytest.mark.parametrize(("after", "status"), [(-0.5, 200), (0.0, 401), (0.5, 401)])
def test_login_that_is_refreshed_ends_at_its_end(
    refreshing: Flask, clock: Callable[[float], None], after: float, status: int
) -> None:
    """Half a second before its end a login is refreshed, from then on it is not."""
    client = refreshing.test_client()
    log_in(client)
    clock(WEEK + refresh.LIFETIME + after)
    assert client.get("/me").status_code == status
    assert len(altdentifier(refreshing).requests) == (2 if status == 200 else 1)


# Views


def test_program_that_lacks_a_scope_is_led_nowhere(client: FlaskClient) -> None:
    """Only a page has a way back; what a program asked for is none."""
    log_in(client)
    response = client.get("/servers", headers=SCRIPT)
    assert response.status_code == 403
    assert json.loads(response.text)["login_url"] == "/login"
    page = client.get("/servers", headers=PAGE)
    assert page.status_code == 302


def test_refusals_are_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Each refusal is one line with its reason, at INFO; the app's own fault is a WARNING."""
    caplog.set_level(logging.INFO, "flask_altdentifier")
    client.get("/me", headers=SCRIPT)
    client.get("/callback?state=x")
    log_in(client)
    client.get("/servers", headers=SCRIPT)
    client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    told = [(r.levelname, r.getMessage()) for r in caplog.records if "efused" in r.msg]
    told += [(r.levelname, r.getMessage()) for r in caplog.records if "ogin failed" in r.msg]
    assert told == [
        ("INFO", "Refused: login_required."),
        ("INFO", "Refused: insufficient_scope."),
        ("INFO", "Refused: cross_site."),
        ("INFO", "Login failed: invalid_state."),
    ]


@pytest.mark.parametrize(
    ("status", "level", "why"),
    [
        (400, "INFO", "code_rejected"),
        (401, "WARNING", "client_credentials_rejected"),
        (500, "WARNING", "provider_error"),
    ],
)
def test_failed_logins_are_logged(
    client: FlaskClient,
    provider: FakeAltDentifier,
    caplog: pytest.LogCaptureFixture,
    status: int,
    level: str,
    why: str,
) -> None:
    """A login that failed is one line; it is a WARNING from 500 on."""
    caplog.set_level(logging.INFO, "flask_altdentifier")
    provider.status = status
    finish(client, begin(client))
    told = [(r.levelname, r.getMessage()) for r in caplog.records if "Login failed" in r.msg]
    assert told == [(level, f"Login failed: {why}.")]


def test_options_of_a_bare_rule_are_closed() -> None:
    """A rule that Flask did not make has no automatic OPTIONS, so its view is guarded."""
    app = bare_app()
    app.register_blueprint(blueprint)
    protect(app)
    app.url_map.add(Rule("/raw", endpoint="raw", methods=["GET", "OPTIONS"]))
    app.view_functions["raw"] = lambda: "raw"
    assert app.test_client().options("/raw").status_code == 401


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: protect(Flask("x"), "a b"),
            "protect(app, ...): 'a b' is not a scope: printable ASCII without space, \" and \\; "
            "give each scope as an argument of its own",
        ),
        (
            lambda: protect(Flask("x"), len),  # type: ignore[arg-type]
            "Write @requires_scope() or @requires_scope('read:user'), with parentheses.",
        ),
    ],
)
def test_wrong_scope_is_told_in_full(call: Callable[[], None], message: str) -> None:
    """The message says where it is and what to write."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert str(caught.value) == message


# Config and store


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "REDIRECT_URI",
            "x",
            "must be the absolute URL of the callback, such as 'https://example.com/callback': "
            "http or https in small letters, a valid host (xn--... if not ASCII) and port, "
            "printable ASCII, no space, line break, backslash, user name ('@') or fragment ('#').",
        ),
        (
            "STORE",
            "x",
            "must be a cachelib cache that all workers share, "
            "such as cachelib.RedisCache(redis.Redis(...)).",
        ),
    ],
)
def test_wrong_config_is_told_in_full(key: str, value: str, message: str) -> None:
    """The message is the key and the mend, word for word."""
    config = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "x"}
    with pytest.raises(ConfigError) as caught:
        Settings.from_config(config | {f"ALTDENTIFIER_{key}": value})
    assert str(caught.value) == f"ALTDENTIFIER_{key} {message}"


def test_wrong_prefix_is_told_in_full() -> None:
    """The message says why and what to do."""
    with pytest.raises(ConfigError) as caught:
        namespace("id", "alt")
    assert str(caught.value) == (
        "SESSION_KEY_PREFIX is 'alt', which logins in the store begin with too, "
        "so a session cookie could name one. Leave it out, or set another."
    )


def test_namespace_has_64_bits() -> None:
    """A hash of client id and session prefix tells apps on one store apart."""
    name, _, digest = namespace("id", "session:").partition(":")
    assert (name, len(digest)) == ("altdentifier", 16)
    assert set(digest) <= set("0123456789abcdef")


def test_record_that_another_removed_first_is_not_taken() -> None:
    """Whoever reads the record but removes nothing gets nothing."""
    cache = SimpleCache()
    store = Store(cache, "ns")
    store.put("login", "a", {"b": 1}, 60)
    cache.delete = lambda key: False  # type: ignore[method-assign]
    assert store.take("login", "a", dict) is None


def test_file_that_cannot_be_removed_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory that cannot be written to gives no state away."""
    cache = FileSystemCache(str(tmp_path))
    store = Store(cache, "ns")
    store.put("login", "a", {"b": 1}, 60)
    monkeypatch.setattr(cache, "delete", lambda key: False)
    with pytest.raises(StoreUnavailable):
        store.take("login", "a", dict)
    with pytest.raises(StoreUnavailable):
        store.drop("login", "a")


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("take", lambda store: store.take("login", "a", dict)),
        ("set", lambda store: store.put("login", "a", 1, 60)),
        ("delete", lambda store: store.drop("login", "a")),
    ],
)
def test_store_names_what_failed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    call: Callable[[Store], object],
) -> None:
    """The log has the reason, the kind of the error and the operation, and nothing else."""
    cache = FileSystemCache(str(tmp_path))

    def fail(*args: Any) -> None:
        raise OSError("secret")

    for name in ("get", "set", "delete"):
        monkeypatch.setattr(cache, name, fail)
    store = Store(cache, "ns")
    with pytest.raises(StoreUnavailable):
        call(store)
    assert [r.getMessage() for r in caplog.records] == [f"store_unavailable: OSError in {method}."]


def test_session_server_that_fails_is_named(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """A session that cannot get a new id is in the log as such."""

    def fail(*args: Any) -> None:
        raise OSError("secret")

    state = begin(client)
    monkeypatch.setattr(app.session_interface, "regenerate", fail)
    assert reason(finish(client, state)) == "store_unavailable"
    assert "store_unavailable: OSError in regenerate." in caplog.messages


def test_directory_without_hard_links_is_told_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what the store's directory needs."""
    store = Store(FileSystemCache(str(tmp_path)), "ns")
    store.put("login", "a", {"b": 1}, 60)

    def fail(*args: Any) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", fail)
    with pytest.raises(StoreUnavailable):
        store.take("login", "a", dict)
    assert caplog.messages[0] == (
        "store_unavailable: its directory needs a file system with hard links."
    )


def test_wrong_credentials_are_told_in_full(
    client: FlaskClient, provider: FakeAltDentifier, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator is told both keys and where to compare them."""
    provider.status = 401
    finish(client, begin(client))
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    told = record.getMessage()
    assert "ALTDENTIFIER_CLIENT_ID with ALTDENTIFIER_CLIENT_SECRET. Compare both with " in told
    assert told.startswith(("AltDentifier does", "client_credentials_rejected: AltDentifier does"))
    assert told.endswith("Compare both with your application's page.")


def test_hash_of_a_login_id_is_sha256() -> None:
    """The key in the store is the SHA-256 of the cookie, in hex."""
    assert hashed("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


# Constants and patterns, which are written out here so that a change of them is seen


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (b"code=" + b"a" * 2048, "a" * 2048),
        (b"code=" + b"a" * 2049, None),
        (b"code=a%2fb%2Fc", "a/b/c"),
        (b"code=a%2", None),
    ],
)
def test_code_is_read(query: bytes, code: str | None) -> None:
    """A code has 2,048 bytes at most, in percent-encoding of either case."""
    try:
        read: str | None = CallbackQuery(query).code
    except errors.LoginError:
        read = None
    assert read == code


@pytest.mark.parametrize(
    "state", ["s" * 42, "s" * 44, "s" * 42 + ".", "s" * 42 + "%20", "s" * 42 + "~"]
)
def test_state_has_a_form(state: str) -> None:
    """A state is 43 characters of base64url."""
    assert CallbackQuery(f"state={state}".encode()).state is None


@pytest.mark.parametrize(
    ("value", "vouches"),
    [
        ("1." + "x" * 43, True),
        ("1" * 19 + "." + "x" * 43, True),
        ("1" * 20 + "." + "x" * 43, False),
        ("." + "x" * 43, False),
        ("1." + "x" * 42, False),
        ("1." + "x" * 44, False),
        ("1." + "x" * 42 + "~", False),
        ("1", False),
        ("", False),
    ],
)
def test_state_cookie_has_a_form(app: Flask, value: str, vouches: bool) -> None:
    """What has another form than ours does not vouch."""
    name = f"altdentifier_4da8dcc3_state_{cookies.state_of(value)[:16]}"
    with app.test_request_context(headers={"Cookie": f"{name}={value}"}):
        assert list(cookies.vouched_states()) == ([cookies.state_of(value)] if vouches else [])


@pytest.mark.parametrize(
    ("value", "counts"),
    [("x" * 43, True), ("x" * 42, False), ("x" * 44, False), ("x" * 42 + "~", False), ("", False)],
)
def test_login_cookie_has_a_form(app: Flask, value: str, counts: bool) -> None:
    """What has another form than ours is not looked up."""
    with app.test_request_context(headers={"Cookie": f"altdentifier_4da8dcc3={value}"}):
        assert cookies.login_ids() == ([value] if counts else [])
        assert cookies.login_id() == (value if counts else None)


def test_equals_signs_belong_to_the_value() -> None:
    """The first equals sign ends the name."""
    assert CallbackQuery(b"code=a=b=&state=" + b"s" * 43).code == "a=b="


@pytest.mark.parametrize("key", ["AFTER_LOGIN", "AFTER_LOGOUT"])
@pytest.mark.parametrize("value", [5, None, b"/", "x"])
def test_path_that_is_no_text_is_told_in_full(key: str, value: Any) -> None:
    """Whatever its type, a wrong path is an error of the config."""
    config = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "x"}
    with pytest.raises(ConfigError) as caught:
        Settings.from_config(config | {f"ALTDENTIFIER_{key}": value})
    assert str(caught.value) == (
        f"ALTDENTIFIER_{key} must be a path of this site that begins with one '/', "
        "such as '/home': no backslash, line break or other control character, "
        "at most 2048 bytes percent-encoded."
    )


def test_nobody_is_there_while_the_store_is_down(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page about a store that is down may ask who is logged in: nobody."""
    seen: list[Any] = []

    def page(error: errors.StoreUnavailable) -> str:
        seen.append(attribute_of_nobody())
        return "down"

    def fail(key: str) -> None:
        raise OSError

    app.register_error_handler(StoreUnavailable, page)
    log_in(client)
    monkeypatch.setattr(cache_of(app), "get", fail)
    assert client.get("/me").text == "down"
    assert seen == [RuntimeError]


class Told(SimpleCache):
    """A cache that tells what it was given, and takes none of it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, Any, Any]] = []

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        self.told.append((key, value, timeout))
        return None


@pytest.mark.parametrize(("lifetime", "seconds"), [(60, 61), (59.2, 61), (0.1, 2), (60.0, 61)])
def test_record_is_kept_a_second_longer(
    lifetime: float, seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Caches round down to whole seconds, so a record gets one more; who reads it knows its end."""
    cache = Told()
    with pytest.raises(StoreUnavailable):
        Store(cache, "ns").put("grant", "a", {"b": 1}, lifetime)
    assert cache.told[1:] == [("ns:grant:a", '{"b": 1}', seconds)]
    assert caplog.messages[1:] == ["store_unavailable: the store did not take a grant."]


def test_missing_and_empty_records_are_no_errors(caplog: pytest.LogCaptureFixture) -> None:
    """What is not there, and room that is kept, is none without a word in the log."""
    store = Store(SimpleCache(), "ns")
    store.put("grant", "room", None, 60)
    assert store.get("grant", "missing", dict) is None
    assert store.get("grant", "room", dict) is None
    assert caplog.messages == []
    store.cache.set("ns:grant:a", "{")
    assert store.get("grant", "a", dict) is None
    assert caplog.messages == ["A record in the store cannot be read; it counts as none."]


def test_cache_that_cannot_tell_is_told_in_full() -> None:
    """The error names the cache, the danger and the caches that do."""
    with pytest.raises(ConfigError) as caught:
        Store(NullCache(), "ns")
    assert str(caught.value) == (
        "NullCache cannot be ALTDENTIFIER_STORE: its delete() does not tell "
        "whether it removed something, and a login must be finished once. Use RedisCache, "
        "FileSystemCache, SimpleCache (one process), MongoDbCache, or MemcachedCache with "
        "a client that waits for replies (pymemcache: default_noreply=False)."
    )


def test_login_that_is_refreshed_lasts_thirty_days_longer() -> None:
    """Thirty days, in seconds."""
    assert refresh.LIFETIME == 2_592_000


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[" * 60_000, "too deep"),
        (b"[]", "not an object"),
        (b'{"a": 1, "a": 2}', "a name twice"),
        (b'{"a": NaN}', "NaN"),
        (b"{}", "access_token"),
        (b'{"access_token": "a"}', "token_type"),
        (b'{"access_token": "a", "token_type": "Bearer", "expires_in": 0}', "expires_in"),
        (b'{"access_token": "a", "token_type": "Bearer", "scope": 1}', "scope"),
    ],
)
def test_token_response_that_is_refused_says_why(body: bytes, why: str) -> None:
    """For who reads the code in a debugger: nothing of the body is told, but what is wrong."""
    with pytest.raises(ValueError, match=f"^{why}$") as caught:
        token_response.parse(body)
    assert caught.value.args == (why,)


def test_session_that_is_none_is_not_touched(client: FlaskClient) -> None:
    """A browser without a session gets none by a login, and no deletion of one either."""
    state = begin(client)
    client.delete_cookie("session")
    response = finish(client, state)
    assert response.status_code == 303
    assert [c for c in response.headers.getlist("Set-Cookie") if c.startswith("session")] == []


def test_logout_with_sessions_that_have_no_ids() -> None:
    """A logout works with sessions that cannot change their id, and they stay."""
    app = Flask("signed")
    app.secret_key = "secret"
    app.config.update(
        ALTDENTIFIER_CLIENT_ID="id",
        ALTDENTIFIER_CLIENT_SECRET="secret",
        ALTDENTIFIER_STORE=SimpleCache(),
    )
    app.register_blueprint(blueprint)
    app.add_url_rule("/fill", "fill", lambda: session.setdefault("cart", "full"))
    client = app.test_client()
    client.get("/fill")
    assert client.post("/logout").status_code == 303
    assert client.get("/fill").text == "full"


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://a_b.example/callback", True),
        ("https://_/", True),
        ("https://a/\\b", False),
        ("https://a/@b", False),
        ("https://" + "a" * 63 + ".example", True),
        ("https://" + "a" * 64 + ".example", False),
        ("https://" + "a." * 126 + "a", True),
        ("https://" + "a." * 126 + "aa", False),
        ("https://a.example./", True),
        ("https://a.example../", False),
    ],
)
def test_host_has_a_form(url: str, good: bool) -> None:
    """Labels have 63 characters at most, and a host 253."""
    assert (urls.absolute(url) is not None) is good


@pytest.mark.parametrize("target", ["/?\x7f", "/#\x1f", "/a?b\x00", "/\x7f", "/\x1f", "/a\\b"])
def test_control_characters_are_no_path(target: str) -> None:
    """No control character, wherever it stands."""
    assert urls.local_path(target) is None


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "CLIENT_ID",
            None,
            "is missing: it is None. Does os.environ.get() find it? "
            "null in the environment is read as JSON: quote it, '\"null\"'.",
        ),
        (
            "CLIENT_ID",
            1.5,
            "must be a string, not float. In the environment it is read as JSON: "
            "put it in double quotes inside single quotes, '\"1e10\"'.",
        ),
        (
            "CLIENT_SECRET",
            "a\x7f",
            "must be printable ASCII and not empty. Look for a line break at its end.",
        ),
        ("SCOPE", 1, "must be a string such as 'read:user write:integrations', or a list."),
        ("SCOPE", " ", "is empty. Leave it out for 'read:user'."),
        (
            "BASE_URL",
            "https://a.example/b",
            "must be an origin such as 'https://altdentifier.com', without a path or query: "
            "http or https in small letters, a valid host (xn--... if not ASCII) and port, "
            "printable ASCII, no space, line break, backslash, user name ('@') or fragment ('#').",
        ),
        (
            "BASE_URL",
            "http://a.example",
            "must be https: the client secret is sent there. "
            "http is for a sandbox on a loopback address only.",
        ),
        ("TOKEN_AUTH_METHOD", "x", "must be one of client_secret_post, client_secret_basic."),
        ("PKCE", 1, "must be True or False (true or false in the environment)."),
        (
            "TIMEOUT",
            0,
            "must be a number of seconds above 0 and at most 100000000, without quotes.",
        ),
        (
            "TIMEOUT",
            100_000_001,
            "must be a number of seconds above 0 and at most 100000000, without quotes.",
        ),
    ],
)
def test_each_wrong_value_is_told_in_full(key: str, value: Any, message: str) -> None:
    """The message of each check, word for word."""
    config = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "x"}
    with pytest.raises(ConfigError) as caught:
        Settings.from_config(config | {f"ALTDENTIFIER_{key}": value})
    assert str(caught.value) == f"ALTDENTIFIER_{key} {message}"


def test_values_at_the_edge_are_taken() -> None:
    """A client id of 0, and the longest time."""
    settings = Settings.from_config(
        {
            "ALTDENTIFIER_CLIENT_ID": 0,
            "ALTDENTIFIER_CLIENT_SECRET": "~ ",
            "ALTDENTIFIER_TIMEOUT": 100_000_000,
            "ALTDENTIFIER_SCOPE": "! ~",
        }
    )
    assert (settings.client_id, settings.client_secret) == ("0", "~ ")
    assert settings.timeout == 100_000_000
    assert settings.scope == {"!", "~"}


def test_tokens_have_no_tab_and_end_in_ten_years() -> None:
    """A token is printable, and no lifetime above ten years is believed."""
    good = {"access_token": "a", "token_type": "Bearer", "expires_in": 10**12}
    assert token_response.parse(json.dumps(good).encode())["expires_in"] == 315_360_000
    assert token_response.parse(json.dumps(good | {"access_token": " ~"}).encode())
    with pytest.raises(ValueError, match="access_token"):
        token_response.parse(json.dumps(good | {"access_token": "a\tb"}).encode())


def test_longest_path() -> None:
    """A path has 2,048 bytes at most."""
    assert urls.local_path("/" + "a" * 2047) is not None
    assert urls.local_path("/" + "a" * 2048) is None


def test_oldest_login_makes_room_where_the_session_was_lost(client: FlaskClient) -> None:
    """A sixth login works where only the cookies know the other five."""
    states = [begin(client) for _ in range(5)]
    client.delete_cookie("session")
    states.append(begin(client))
    assert reason(finish(client, states[0])) == "invalid_state"
    assert finish(client, states[1]).status_code == 303


def test_grant_ends_at_its_end(clock: Callable[[float], None]) -> None:
    """In the moment in which it ends, a grant has ended."""
    end = datetime.fromtimestamp(time.time() + 60, timezone.utc)
    grant = Grant("a", None, frozenset(), frozenset(), end)
    clock(59.9)
    assert grant
    clock(60)
    assert not grant


class Odd(errors.AltDentifierError):
    """An error of an app's own, with the lowest of the statuses that are the app's fault."""

    code = 500
    reason = "odd"
    title = detail = "Odd"


def test_error_of_status_500_is_a_warning(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A receiver's own error is logged as the app's fault from 500 on."""

    def refuse(sender: Flask, grant: Any) -> None:
        raise Odd

    app.testing = False
    with signals.logged_in.connected_to(refuse, app):
        finish(client, begin(client))
    [record] = [r for r in caplog.records if "Login failed" in r.msg]
    assert (record.levelname, record.getMessage()) == ("WARNING", "Login failed: odd.")
