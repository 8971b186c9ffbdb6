"""The tests on the page about testing pass, in a run of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import BuildError

from flask_altdentifier import blueprint, testing

from .conftest import run
from .pages import example

pytest_plugins = ["pytester"]


@pytest.fixture(params=[[], ["-pno:pytest-flask"], ["-n2"]], ids=["flask", "bare", "xdist"])
def options(request: pytest.FixtureRequest) -> list[str]:
    """Options of pytest: with pytest-flask, without it, and with pytest-xdist."""
    options: list[str] = request.param
    return options


def test_pytest(pytester: pytest.Pytester, options: list[str]) -> None:
    """All pass, and nothing is skipped."""
    page = example("testing")
    page.write(pytester.path)
    written = sum(
        block.code.count("\ndef test_") + block.code.startswith("def test_")
        for block in page.blocks
    )
    result = pytester.runpytest_subprocess("-Werror", *options)
    result.assert_outcomes(passed=written)


def test_mounted_app(place: Path) -> None:
    """An app below another logs in a client of its own, and no client of the outer one."""
    names = run(example("recipes", "several-apps"), place)
    below = {"base_url": "http://localhost/forum"}
    with testing.sandbox_for(names["forum"]) as sandbox:
        client = names["forum"].test_client()
        assert sandbox.log_in(client, next="/forum/me", **below).location == "/forum/me"
        assert client.get("/me", **below).text == "Your page at forum"
        outer = names["shop"].test_client()
        assert sandbox.finish(outer, outer.get("/forum/login")).status_code == 400


def test_variable_prefix(place: Path) -> None:
    """No client is logged in where the prefix has a variable."""
    app = Flask("shop")
    app.config.from_prefixed_env()
    app.register_blueprint(blueprint, url_prefix="/<lang>")
    with testing.sandbox_for(app) as sandbox, pytest.raises(BuildError):
        sandbox.log_in(app.test_client())


def test_app_of_a_module(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture may return the app that a module makes, such as the quickstart's."""
    for name in ("ID", "SECRET"):
        monkeypatch.setenv(f"FLASK_ALTDENTIFIER_CLIENT_{name}", "any")
    pytester.makepyfile(
        shop=example("quickstart").blocks[1].code,
        conftest="import pytest, shop\n@pytest.fixture\ndef app(): return shop.app",
        test_me="""
            def test_me(app, altdentifier_login):
                client = app.test_client()
                altdentifier_login(client)
                assert client.get("/me").text == "You allowed: read:user"
            """,
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_unittest(pytester: pytest.Pytester) -> None:
    """The test without pytest passes without it."""
    for name in ("", "unittest"):
        example("testing", name).write(pytester.path)
    result = pytester.run(sys.executable, "-Werror", "-m", "unittest", "test_unittest")
    assert result.ret == 0, result.stderr.str()
