"""The pytest plugin, and what it is made of."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, session
from flask.testing import FlaskClient
from flask_session import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_altdentifier import (
    api,
    authorize_redirect,
    blueprint,
    current_grant,
    errors,
    requires_scope,
    testing,
)
from flask_altdentifier.sandbox import Failure
from flask_altdentifier.testing import LogIn, Sandbox, log_in, sandbox_for

from .support import PAGE, bare_app, cookies_of, extension, make_app, reason

pytest_plugins = ["pytester"]

# As in an app that uses the package; here it may not be installed as a plugin.
altdentifier_login = testing.altdentifier_login
altdentifier_sandbox = testing.altdentifier_sandbox

BOTH = "read:user write:integrations"


@pytest.fixture
def app() -> Flask:
    """An app as users have it: with no stand-in for AltDentifier."""
    app = make_app()
    del extension(app).transport
    app.add_url_rule("/trust", "trust", trust)
    return app


def trust() -> Any:
    return api.get("/api/v2/user/100000000000000001/trustfactor").json()


def test_login(client: FlaskClient, altdentifier_login: LogIn) -> None:
    """One line logs a client in, and answers with what the callback answers."""
    response = altdentifier_login(client)
    assert (response.status_code, response.location) == (303, "/")
    assert client.get("/me").json == ["read:user"]
    assert client.get("/servers").status_code == 403


@pytest.mark.parametrize("scope", [BOTH, BOTH.split()])
def test_login_with_any_scopes(
    client: FlaskClient, altdentifier_login: LogIn, scope: str | list[str]
) -> None:
    """Scopes are asked for whatever the config says, once."""
    altdentifier_login(client, scope, next="/servers?a=b")
    assert client.get("/me").json == ["read:user", "write:integrations"]
    assert "scope=read:user&" in client.get("/login").headers["Location"].replace("%3A", ":")


def test_login_leads_on(client: FlaskClient, altdentifier_login: LogIn) -> None:
    """`next` is where the callback leads."""
    assert altdentifier_login(client, next="/servers?a=b").location == "/servers?a=b"


def test_login_has_the_config_in_place_when_it_fails(
    client: FlaskClient, app: Flask, altdentifier_login: LogIn
) -> None:
    """A scope that AltDentifier does not know fails loudly and leaves nothing behind."""
    before = extension(app).settings
    with pytest.raises(RuntimeError, match=r"refused the login with 400: [A-Z].* scope is missing"):
        altdentifier_login(client, "read:all")
    with pytest.raises(ValueError, match="is not a scope"):
        altdentifier_login(client, 'a"b')
    assert extension(app).settings is before


def test_session_id_changes(client: FlaskClient, altdentifier_login: LogIn) -> None:
    """The login is a real one: the session keeps its data under a new id."""
    app = client.application

    def remember() -> str:
        return str(session.setdefault("basket", "apples"))

    app.add_url_rule("/basket", "basket", remember)
    client.get("/basket")
    before = cookies_of(client)["session"]
    altdentifier_login(client)
    assert cookies_of(client)["session"] != before
    assert client.get("/basket").text == "apples"
    assert client.post("/logout").status_code == 303
    assert client.get("/me").status_code == 401


def test_declined_scope(
    client: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    """A scope that the user unticks is missing, until it is allowed again."""
    altdentifier_sandbox.decline("write:integrations")
    altdentifier_login(client, BOTH)
    assert client.get("/me").json == ["read:user"]
    assert reason(client.get("/servers")) == "insufficient_scope"
    altdentifier_sandbox.allow()
    altdentifier_login(client, BOTH)
    assert client.get("/servers").status_code == 200


def test_denied_login(
    client: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    """A user may say no."""
    altdentifier_sandbox.deny()
    assert reason(altdentifier_login(client)) == "access_denied"
    altdentifier_sandbox.allow()
    assert altdentifier_login(client).status_code == 303


@pytest.mark.parametrize(
    ("failure", "status", "retry_after"),
    [
        (Failure.NONE, 303, None),
        (Failure.BAD_REQUEST, 400, None),
        (Failure.UNAUTHORIZED, 502, None),
        (Failure.RATE_LIMITED, 503, "30"),
        (Failure.SERVER_ERROR, 502, None),
        (Failure.UNAVAILABLE, 503, "60"),
        (Failure.SLOW, 504, None),
        (Failure.GARBAGE, 502, None),
        (Failure.AUTHORIZE_ERROR, 500, None),
    ],
)
def test_each_failure(
    client: FlaskClient,
    altdentifier_login: LogIn,
    altdentifier_sandbox: Sandbox,
    failure: Failure,
    status: int,
    retry_after: str | None,
) -> None:
    """Each way in which AltDentifier fails is one line, and no test waits for it."""
    altdentifier_sandbox.failure = failure
    response = altdentifier_login(client)
    assert response.status_code == status
    assert response.headers.get("Retry-After") == retry_after
    assert altdentifier_sandbox.failure is failure


def test_every_failure_is_tested() -> None:
    """A new failure of the sandbox needs a line above."""
    [mark] = test_each_failure.pytestmark  # type: ignore[attr-defined]
    assert [failure for failure, *_ in mark.args[1]] == list(Failure)


def test_expired_grant(
    client: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    """A grant can be ended at any time; there must be one."""
    with pytest.raises(LookupError, match="not logged in"):
        altdentifier_sandbox.expire(client)
    altdentifier_login(client)
    assert client.get("/me").status_code == 200
    altdentifier_sandbox.expire(client)
    assert reason(client.get("/me")) == "login_required"
    assert client.get("/me", headers=PAGE).location == "/login?next=/me"
    with pytest.raises(LookupError, match="not logged in"):
        altdentifier_sandbox.expire(client)


def test_refreshed_grant() -> None:
    """Where the app refreshes, an expired grant is one that is refreshed, each time."""
    app = make_app(ALTDENTIFIER_REFRESH=True)
    client = app.test_client()
    with sandbox_for(app) as sandbox:
        sandbox.state.refresh = True
        log_in(client)
        for number in (2, 3):
            sandbox.expire(client)
            assert client.get("/me").status_code == 200
            assert len(sandbox.state.tokens) == number
        sandbox.state.refresh = False
        sandbox.expire(client)
        assert client.get("/me").status_code == 401


def test_lifetime(app: Flask, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox) -> None:
    """The lifetime of a grant is AltDentifier's to say."""
    assert altdentifier_sandbox.expires_in == 604_800
    altdentifier_sandbox.expires_in = 60
    with app.test_client() as client:
        altdentifier_login(client)
        client.get("/me")
        assert 50 < current_grant.expires_at.timestamp() - time.time() <= 60


def test_bearer_calls(
    client: FlaskClient, altdentifier_login: LogIn, altdentifier_sandbox: Sandbox
) -> None:
    """Bearer calls go to the sandbox too, which can fail and revoke."""
    altdentifier_login(client)
    assert client.get("/trust").get_json()["trustfactor"] == 3
    altdentifier_sandbox.failure = Failure.SLOW
    assert reason(client.get("/trust")) == "provider_timeout"
    altdentifier_sandbox.failure = Failure.NONE
    altdentifier_sandbox.revoke()
    assert reason(client.get("/trust")) == "login_required"


def test_login_from_a_view(app: Flask, client: FlaskClient, altdentifier_sandbox: Sandbox) -> None:
    """A login that the app's own view starts is finished in one line."""

    def add() -> Response:
        return authorize_redirect("write:integrations", guild_id=42, next="/servers")

    app.add_url_rule("/add", "add", add)
    response = altdentifier_sandbox.finish(client, client.get("/add"))
    assert response.location == "/servers"
    assert [i.guild.id for i in altdentifier_sandbox.state.installations] == ["42"]


def test_what_does_not_lead_to_altdentifier(
    client: FlaskClient, altdentifier_sandbox: Sandbox
) -> None:
    """Another answer than the redirect to AltDentifier is returned as it is."""
    for path in ("/", "/no-such-page"):
        response = client.get(path)
        assert altdentifier_sandbox.finish(client, response) is response


def test_login_needs_no_fixture_app(altdentifier_login: LogIn) -> None:
    """The login fixture takes the app of the client, and cleans up in each."""
    shops = [make_app(), make_app(ALTDENTIFIER_CLIENT_ID="other")]
    for shop in (*shops, *shops):
        client = shop.test_client()
        altdentifier_login(client)
        assert client.get("/me").json == ["read:user"]


def test_sandbox_puts_back_what_was_there(app: Flask) -> None:
    """After the sandbox, the app is as before, and talks to whom it talked to before."""
    client, installed = app.test_client(), extension(app)
    with sandbox_for(app) as outer:
        log_in(client)
        with sandbox_for(app) as inner:
            log_in(client)
            assert len(inner.state.tokens) == 1
        log_in(client)
        assert len(outer.state.tokens) == 2
    assert "transport" not in vars(installed)
    assert "provider" not in vars(installed)
    with pytest.raises(RuntimeError, match="sandbox_for"):
        log_in(client)


def test_app_without_the_extension() -> None:
    """An app without the blueprint is told so."""
    with pytest.raises(errors.ConfigError, match="register_blueprint"):
        sandbox_for(bare_app())


CONFIGS: list[dict[str, Any]] = [
    {"ALTDENTIFIER_REDIRECT_URI": "https://shop.example/auth/callback"},
    {"ALTDENTIFIER_BASE_URL": "http://127.0.0.1:8400", "ALTDENTIFIER_PKCE": True},
    {"ALTDENTIFIER_TOKEN_AUTH_METHOD": "client_secret_basic", "ALTDENTIFIER_CLIENT_SECRET": "%+:"},
    {"APPLICATION_ROOT": "/shop", "PREFERRED_URL_SCHEME": "https"},
    {"SERVER_NAME": "shop.example:8000", "SESSION_COOKIE_DOMAIN": "shop.example"},
    {"ALTDENTIFIER_SCOPE": "write:integrations", "SESSION_COOKIE_SECURE": True},
]


@pytest.mark.parametrize("config", CONFIGS)
def test_any_config(config: dict[str, Any]) -> None:
    """Whatever the config is, the login works and the client's cookies are right."""
    app = make_app(**config)
    with sandbox_for(app) as sandbox:
        client = app.test_client()
        assert log_in(client).status_code == 303
        assert client.get("/me").json == ["read:user"]
        sandbox.expire(client)
        assert client.get("/me").status_code == 401


@pytest.mark.parametrize("options", [{"url_prefix": "/auth"}, {"name": "other"}])
def test_any_registration(options: dict[str, Any]) -> None:
    """Whatever the routes are called, and wherever they are."""
    app = bare_app()
    app.register_blueprint(blueprint, **options)
    app.add_url_rule("/me", "me", requires_scope()(lambda: "me"))
    client = app.test_client()
    with sandbox_for(app):
        log_in(client)
    assert client.get("/me").text == "me"


def test_subdomain() -> None:
    """On a subdomain, whose cookies reach the rest of the site where the config says so."""
    app = Flask("shop", subdomain_matching=True)
    app.config.update(bare_app().config)
    app.config.update(SERVER_NAME="shop.example", SESSION_COOKIE_DOMAIN="shop.example")
    Session(app)
    app.register_blueprint(blueprint, subdomain="login")
    app.add_url_rule("/me", "me", requires_scope()(lambda: "me"))
    client = app.test_client()
    with sandbox_for(app):
        assert log_in(client).request.host == "login.shop.example"
    assert client.get("/me").text == "me"


def test_nested_registration() -> None:
    """In a nested blueprint, too."""
    app, outer = bare_app(), Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(blueprint, url_prefix="/inner")
    app.register_blueprint(outer)
    app.add_url_rule("/me", "me", requires_scope()(lambda: "me"))
    client = app.test_client()
    with sandbox_for(app):
        log_in(client)
    assert client.get("/me").text == "me"


def test_https() -> None:
    """On https the cookies are `__Host-` cookies, where the client's requests say so too."""
    app = make_app()
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    for request in (
        {"base_url": "https://localhost"},
        {"headers": {"X-Forwarded-Proto": "https"}},
    ):
        client = app.test_client()
        with sandbox_for(app) as sandbox:
            log_in(client, **request)
            assert any(name.startswith("__Host-altdentifier_") for name in cookies_of(client))
            assert client.get("/me", **request).status_code == 200
            sandbox.expire(client, **request)
            assert client.get("/me", **request).status_code == 401


def test_without_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pytest is not installed, the functions are there and the fixtures are not."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = Path(str(testing.__file__))
    spec = importlib.util.spec_from_file_location("flask_altdentifier.testing_alone", path)
    assert spec is not None
    assert spec.loader is not None
    alone = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(alone)
    assert hasattr(alone, "sandbox_for")
    assert not hasattr(alone, "altdentifier_login")


# An app of somebody else, that knows nothing of the tests here.
SHOP = """
from cachelib import FileSystemCache
from flask import Flask, g
from flask_altdentifier import blueprint, current_grant, requires_scope
from flask_session import Session

def create_app(directory):
    app = Flask("shop")
    app.config.update(
        ALTDENTIFIER_CLIENT_ID="shop-id",
        ALTDENTIFIER_CLIENT_SECRET="shop-secret",
        SESSION_TYPE="cachelib",
        SESSION_CACHELIB=FileSystemCache(directory),
    )
    app.register_blueprint(blueprint, url_prefix="/auth")
    Session(app)

    @app.get("/profile")
    @requires_scope()
    def profile():
        return sorted(current_grant.scope)

    return app
"""

FIXTURES = """
import pytest
import shop

@pytest.fixture
def {name}(tmp_path):
    return shop.create_app(str(tmp_path))
"""

# pytest-flask has this fixture itself.
CLIENT = """
@pytest.fixture
def client({name}):
    return {name}.test_client()
"""

TESTS = """
import pytest
from flask_altdentifier.sandbox import Failure

@pytest.mark.parametrize("number", range(4))
def test_profile(client, altdentifier_login, number):
    altdentifier_login(client)
    assert client.get("/profile").json == ["read:user"]

def test_scopes(client, altdentifier_login):
    altdentifier_login(client, scope="read:user write:integrations")
    assert client.get("/profile").json == ["read:user", "write:integrations"]

def test_declined(client, altdentifier_login, altdentifier_sandbox):
    altdentifier_sandbox.decline("read:user")
    altdentifier_login(client)
    assert client.get("/profile").status_code == 403

def test_expired(client, altdentifier_login, altdentifier_sandbox):
    altdentifier_login(client)
    altdentifier_sandbox.expire(client)
    assert client.get("/profile").status_code == 401

@pytest.mark.parametrize("failure", list(Failure)[1:])
def test_failure(client, altdentifier_login, altdentifier_sandbox, failure):
    altdentifier_sandbox.failure = failure
    assert altdentifier_login(client).status_code >= 400

def test_two_browsers(client, altdentifier_login):
    other = client.application.test_client()
    altdentifier_login(client)
    assert other.get("/profile").status_code == 401
"""
PASSED = 16


def run_shop(
    pytester: pytest.Pytester, *plugins: str, conftest: str, options: tuple[str, ...] = ()
) -> pytest.RunResult:
    """Run the tests of the shop with *plugins* and no others, warnings being errors."""
    pytester.makepyfile(shop=SHOP, test_shop=TESTS)
    pytester.makeconftest(conftest)
    names = ("flask_altdentifier.testing", *plugins)
    arguments = [argument for name in names for argument in ("-p", name)]
    return pytester.runpytest_subprocess(*arguments, *options, "-W", "error")


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runs within these tests load only what they name, from this checkout."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(str(testing.__file__)).parents[1]))


def test_plugin_alone(pytester: pytest.Pytester) -> None:
    """The plugin works in a fresh app without other plugins."""
    conftest = (FIXTURES + CLIENT).format(name="app")
    run_shop(pytester, conftest=conftest).assert_outcomes(passed=PASSED)


def test_plugin_with_pytest_flask(pytester: pytest.Pytester) -> None:
    """The plugin works with pytest-flask, whose context around each test it leaves alone."""
    conftest = FIXTURES.format(name="app")
    result = run_shop(pytester, "pytest_flask.plugin", conftest=conftest)
    result.assert_outcomes(passed=PASSED)


def test_plugin_with_another_name_for_the_app(pytester: pytest.Pytester) -> None:
    """Where the app's fixture is not called `app`, the sandbox's is written anew."""
    conftest = (FIXTURES + CLIENT).format(name="shop_app") + (
        "from flask_altdentifier.testing import sandbox_for\n"
        "@pytest.fixture\n"
        "def altdentifier_sandbox(shop_app):\n"
        "    with sandbox_for(shop_app) as sandbox:\n"
        "        yield sandbox\n"
    )
    run_shop(pytester, conftest=conftest).assert_outcomes(passed=PASSED)


def test_plugin_without_an_app(pytester: pytest.Pytester) -> None:
    """Without a fixture `app`, pytest's own message names it."""
    pytester.makepyfile("def test_it(altdentifier_sandbox): pass")
    result = pytester.runpytest_subprocess("-p", "flask_altdentifier.testing")
    result.stdout.fnmatch_lines(["*fixture 'app' not found*"])


def test_plugin_tells_of_its_fixtures(pytester: pytest.Pytester) -> None:
    """`pytest --fixtures` explains both."""
    result = pytester.runpytest_subprocess("-p", "flask_altdentifier.testing", "--fixtures")
    result.stdout.fnmatch_lines(["altdentifier_sandbox*", "altdentifier_login*"])


def test_plugin_imports_little(pytester: pytest.Pytester) -> None:
    """A run that logs nobody in loads neither the sandbox nor Authlib nor urllib3."""
    pytester.makepyfile(
        """
        import sys

        def test_it():
            for name in ("authlib", "urllib3", "flask_altdentifier.sandbox"):
                assert name not in sys.modules
        """
    )
    result = pytester.runpytest_subprocess("-p", "flask_altdentifier.testing")
    result.assert_outcomes(passed=1)
