"""The pytest plugin in projects of other people: with and without other plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

import pytest_flask_altdentifier

pytest_plugins = ["pytester"]

# An app of somebody else, that knows nothing of the tests here.
SHOP = """
from flask import Flask
from flask_altdentifier import blueprint, requires_scope

def create_app():
    app = Flask("shop")
    app.testing = True
    app.config.update(ALTDENTIFIER_CLIENT_ID="shop-id", ALTDENTIFIER_CLIENT_SECRET="shop-secret")
    app.register_blueprint(blueprint, url_prefix="/auth")
    app.add_url_rule("/me", "me", requires_scope()(lambda: "me"))
    return app
"""
FIXTURES = """
import pytest
import shop

@pytest.fixture
def {app}():
    return shop.create_app()

@pytest.fixture
def {client}({app}):
    return {app}.test_client()
"""
TESTS = """
import pytest
import shop
from flask_altdentifier.sandbox import Failure

@pytest.mark.parametrize("number", range(4))
def test_expired({client}, altdentifier_login, altdentifier_sandbox, number):
    altdentifier_login({client}, scope="read:user write:integrations")
    assert {client}.get("/me").text == "me"
    altdentifier_sandbox.expire({client})
    assert {client}.get("/me").status_code == 401

def test_credentials({client}, altdentifier_login, altdentifier_sandbox):
    altdentifier_sandbox.failure = Failure.UNAUTHORIZED
    altdentifier_login({client}, expect="client_credentials_rejected")

def test_factory(altdentifier_login):
    altdentifier_login(shop.create_app().test_client())
"""
PASSED = 6


@pytest.fixture(autouse=True)
def _only_named_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the inner runs load only the plugins that they name, from this checkout."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(pytest_flask_altdentifier.__file__).parent))


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-Werror", "-ppytest_flask_altdentifier", *options)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], {"app": "app", "client": "client"}),
        ([], {"app": "shop_app", "client": "browser"}),
        (["-pflask_altdentifier.testing"], {"app": "app", "client": "client"}),
        (["-ppytest_flask.plugin"], {"app": "app", "client": "client"}),
        (["-pxdist", "-n2"], {"app": "app", "client": "client"}),
    ],
    ids=["alone", "other-names", "named-twice", "pytest-flask", "xdist"],
)
def test_plugin(pytester: pytest.Pytester, options: list[str], names: dict[str, str]) -> None:
    pytester.makepyfile(shop=SHOP, test_shop=TESTS.format(**names))
    pytester.makeconftest(FIXTURES.format(**names))
    run(pytester, *options).assert_outcomes(passed=PASSED)


def test_run_without_the_fixtures_imports_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            assert not {"flask_altdentifier", "flask", "werkzeug"} & {*sys.modules}
        """
    )
    run(pytester).assert_outcomes(passed=1)
