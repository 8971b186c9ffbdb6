"""The browsers, and the sites that they visit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from ..servers.process import find_program
from .firefox import Firefox
from .http_driver import Chromium, WebKit
from .sites import Site, serving_sites
from .webdriver import Driver

#: An old Safari is a WebKit without `Sec-Fetch-*`.
VISITS = [*product((Chromium, Firefox, WebKit), ("http", "https")), (WebKit, "old-safari")]


def pytest_configure(config: pytest.Config) -> None:
    """Let warnings pass that are not about this package."""
    for ignored in (
        # pytest-base-url, which pytest-playwright brings, on pytest 9
        "ignore:Session-scoped fixtures defined as instance:DeprecationWarning",
        # Werkzeug leaves a static file open if the browser breaks off its request
        "ignore:unclosed file .*/static/:ResourceWarning",
    ):
        config.addinivalue_line("filterwarnings", ignored)


def chromium_options() -> dict[str, Any]:
    """Return what makes Playwright launch the Chromium that the system has."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": find_program("chromium"), "args": arguments}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **chromium_options()}


@pytest.fixture(scope="session")
def sites() -> Iterator[dict[str, Site]]:
    """The example app at each of its addresses."""
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        del os.environ[name]
    with serving_sites() as sites:
        yield sites


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each story as all these visits, one browser after the other."""
    if "driver" in metafunc.fixturenames:
        names = [f"{browser.__name__.lower()}-{site}" for browser, site in VISITS]
        metafunc.parametrize(
            ("running_browser", "site"), VISITS, indirect=True, ids=names, scope="session"
        )


@pytest.fixture
def site(request: pytest.FixtureRequest, sites: dict[str, Site]) -> Site:
    """One address of the example app."""
    return sites[request.param]


@pytest.fixture(scope="session")
def running_browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    """One browser with a profile of its own."""
    driver: Driver = request.param(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def driver(running_browser: Driver, site: Site) -> Driver:
    """The browser, without cookies of the site."""
    running_browser.clear(site.url)
    site.requests.clear()
    return running_browser
