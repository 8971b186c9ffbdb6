"""Attacks of the catalogue in `docs/security.md` that no other test shows."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask, session
from flask.testing import FlaskClient

from flask_altdentifier import blueprint, protect

from ..support import (
    PAGE,
    FakeAltDentifier,
    altdentifier,
    bare_app,
    begin,
    cookies_of,
    extension,
    finish,
    log_in,
    make_app,
    query_of,
    reason,
)

ROUNDS = 200


def test_states_and_ids_do_not_repeat() -> None:
    """Each state, cookie, login id and PKCE verifier is new, and none is made of another."""
    app = make_app(ALTDENTIFIER_PKCE=True)
    seen: list[str] = []
    for _ in range(ROUNDS):
        client = app.test_client()
        state = begin(client)
        seen += [state, *(v for k, v in cookies_of(client).items() if "_state_" in k)]
        finish(client, state)
        seen += [v for k, v in cookies_of(client).items() if k.startswith("altdentifier")]
        seen.append(altdentifier(app).requests[-1][3]["code_verifier"])
    assert len(seen) == len(set(seen)) == 4 * ROUNDS
    # 43 characters of base64 are 256 bits; a verifier may have 43 to 128 (RFC 7636 section 4.1).
    for text in seen:
        assert len(text.rpartition(".")[2]) >= 43
    # No character stands at its place more often than chance has it: nothing is constant.
    for place in range(43):
        assert len({text[-place - 1] for text in seen}) > 16


def test_state_in_the_shared_store_is_not_enough(app: Flask, other_browser: FlaskClient) -> None:
    """Another browser with a session and cookies of its own finds the record, and is refused."""
    attacker = app.test_client()
    state = begin(attacker)
    log_in(other_browser)
    begin(other_browser)
    assert extension(app).store.get("login", state, bool)
    other_browser.post("/logout")
    assert reason(finish(other_browser, state)) == "invalid_state"
    assert len(altdentifier(app).requests) == 1
    assert finish(attacker, state).status_code == 303


def test_what_a_login_issues_on_its_way_is_no_login(app: Flask, client: FlaskClient) -> None:
    """Neither the state nor the cookie of a pending login is taken for a login cookie."""
    state = begin(client)
    log_in(app.test_client())
    [name] = [k for k in cookies_of(logged_in(app)) if k.startswith("altdentifier")]
    vouchers = [v for k, v in cookies_of(client).items() if "_state_" in k]
    for value in (state, *vouchers, *(v.partition(".")[2] for v in vouchers)):
        thief = app.test_client()
        thief.set_cookie(name, value)
        assert thief.get("/me").status_code == 401


def logged_in(app: Flask) -> FlaskClient:
    """Return a browser that is logged in."""
    client = app.test_client()
    log_in(client)
    return client


def test_state_of_another_client_is_refused() -> None:
    """Two apps with one store, one session and one browser: neither takes the other's state."""
    shared: dict[str, Any] = {
        "ALTDENTIFIER_STORE": SimpleCache(threshold=100_000),
        "SESSION_CACHELIB": SimpleCache(threshold=100_000),
    }
    ours, theirs = make_app(**shared), make_app(**shared, ALTDENTIFIER_CLIENT_ID="other")
    mine = ours.test_client()
    state = begin(mine)
    other = theirs.test_client()
    for name, value in cookies_of(mine).items():
        other.set_cookie(name, value)
    assert reason(finish(other, state)) == "invalid_state"
    assert altdentifier(theirs).requests == []
    assert finish(mine, state).status_code == 303


@pytest.mark.parametrize("iss", ["", "https://evil.example", "https://altdentifier.com", "%20"])
def test_issuer_does_not_choose_where_the_code_goes(
    client: FlaskClient, provider: FakeAltDentifier, iss: str
) -> None:
    """AltDentifier sends no `iss`; one that comes is ignored, and one host only gets the code."""
    state = begin(client)
    response = client.get(f"/callback?code=a&state={state}&iss={iss}&token_endpoint={iss}")
    assert response.status_code == 303
    [(method, target, _, _)] = provider.requests
    assert (method, target) == ("POST", "/oauth2/token")


def test_callback_does_not_choose_where_the_browser_goes(client: FlaskClient) -> None:
    """Where a login leads is kept on our side; nothing in the callback changes it."""
    state = begin(client, "/login?next=/me")
    query = f"code=a&state={state}&next=//evil.example&RelayState=https://evil.example"
    assert client.get(f"/callback?{query}").location == "/me"


def test_login_keeps_no_parameter_of_its_request(app: Flask) -> None:
    """Of the URL of `/login` only a local `next` is kept, and not in the session."""
    with app.test_client() as client:
        state = begin(client, "/login?next=/me&role=admin&authenticity_token=x&_permanent=0")
        assert session.keys() - {"_permanent"} == {"altdentifier_states"}
        assert list(session["altdentifier_states"]) == [state]
        record = extension(app).store.get("login", state, dict)
    assert record is not None
    assert record["next"] == "/me"
    assert "admin" not in str(record)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_cross_site_login_changes_nothing(
    client: FlaskClient, provider: FakeAltDentifier, method: str
) -> None:
    """A site that sends the browser to `/login` starts at most a login, and ends none."""
    log_in(client)
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    response = client.open("/login", method=method, headers=headers)
    assert response.status_code == (302 if method == "GET" else 405)
    assert client.get("/me").status_code == 200
    assert len(provider.requests) == 1


def test_planted_login_cookie_is_worth_nothing(app: Flask, client: FlaskClient) -> None:
    """A login id that was planted before a login names nothing after it."""
    [name] = [k for k in cookies_of(logged_in(app)) if k.startswith("altdentifier")]
    planted = "A" * 43
    client.set_cookie(name, planted)
    log_in(client)
    assert cookies_of(client)[name] != planted
    thief = app.test_client()
    thief.set_cookie(name, planted)
    assert thief.get("/me").status_code == 401


@pytest.mark.parametrize("form", ["={name}={value}", "; ={name}={value}", "={name}; {value}"])
def test_nameless_cookie_plants_no_host_cookie(app: Flask, form: str) -> None:
    """A subdomain's cookie without a name is not read as our `__Host-` cookie."""
    client = app.test_client()
    log_in(client, base_url="https://localhost")
    [(name, value)] = [(k, v) for k, v in cookies_of(client).items() if "altdentifier" in k]
    assert name.startswith("__Host-")
    thief = app.test_client(use_cookies=False)
    good = {"Cookie": f"{name}={value}"}
    assert thief.get("/me", base_url="https://localhost", headers=good).status_code == 200
    planted = {"Cookie": form.format(name=name, value=value)}
    assert thief.get("/me", base_url="https://localhost", headers=planted).status_code == 401


@pytest.mark.parametrize("name", ["altdentifier", "Altdentifier", "__host-altdentifier"])
def test_cookie_of_another_name_is_not_read(app: Flask, name: str) -> None:
    """On https only the `__Host-` cookie counts, in this case only."""
    client = app.test_client()
    log_in(client, base_url="https://localhost")
    [(right, value)] = [(k, v) for k, v in cookies_of(client).items() if "altdentifier" in k]
    other = right.replace("__Host-altdentifier", name)
    thief = app.test_client(use_cookies=False)
    headers = {"Cookie": f"{other}={value}"}
    assert thief.get("/me", base_url="https://localhost", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "target",
    ['/"><script>alert(1)</script>', "/' onmouseover='alert(1)", "/{{7*7}}", "/<b>", "/&quot;"],
)
def test_next_is_no_markup(client: FlaskClient, provider: FakeAltDentifier, target: str) -> None:
    """What `next` brings is escaped in the page of a login that failed."""
    response = client.get("/login", query_string={"next": target})
    provider.status = 400
    page = finish(client, query_of(response.location)["state"], headers=PAGE).text
    [link] = [line for line in page.splitlines() if 'class="first"' in line]
    assert link.count("<") == 2
    assert link.count('"') == 4
    assert "49" not in link
    assert "alert(1)</" not in page


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "TRACE", "get", "QUERY"])
def test_protected_view_is_closed_to_each_method(method: str) -> None:
    """No method reaches a view of a protected app without a login; a preflight tells nothing."""
    reached: list[str] = []
    app = bare_app()
    app.register_blueprint(blueprint)
    protect(app)

    @app.route("/odd", methods=["GET", "POST"])
    def odd() -> str:
        reached.append("x")
        return "x"

    response = app.test_client().open("/odd", method=method)
    assert response.status_code == {"OPTIONS": 200, "TRACE": 405, "QUERY": 405}.get(method, 401)
    assert method != "OPTIONS" or response.data == b""
    assert reached == []


def test_path_tricks_do_not_open_a_protected_view() -> None:
    """No spelling of a path gets past the guard of the view that it reaches."""
    app = make_app()
    client = app.test_client()
    for path in ("/me", "//me", "/./me", "/x/../me", "/%6de", "/me/", "/me;x", "/me%00", "/ME"):
        assert client.get(path).status_code in {302, 308, 401, 404}


def test_no_json_web_token_is_read() -> None:
    """A login imports nothing of Authlib that reads JWS, JWE or JWK."""
    script = (
        "import sys; sys.path.insert(0, '.');"
        "from tests.support import make_app, log_in;"
        "log_in(make_app().test_client());"
        "print([m for m in sys.modules if 'jose' in m or 'jwt' in m or m == 'cryptography'])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_expired_login_cannot_be_used_late(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cookie that was kept beyond the grant's end opens nothing, though the store has it."""
    log_in(client)
    now = time.time()
    monkeypatch.setattr("flask_altdentifier.grant.time.time", lambda: now + 604_801)
    assert client.get("/me").status_code == 401


def test_sixth_login_pushes_out_the_oldest_only(app: Flask) -> None:
    """Who makes a browser start many logins makes session, cookies and store keep five each."""
    with app.test_client() as client:
        states = [begin(client) for _ in range(30)]
        assert list(session["altdentifier_states"]) == states[-5:]
    cache = extension(app).store.cache
    assert isinstance(cache, SimpleCache)
    assert len([name for name in cookies_of(client) if "_state_" in name]) == 5
    kept = [key.rpartition(":")[2] for key in cache._cache if ":login:" in key]
    assert sorted(kept) == sorted(states[-5:])
    assert reason(finish(client, states[0])) == "invalid_state"
    assert finish(client, states[-5]).status_code == 303
