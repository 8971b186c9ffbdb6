"""The browsers, and the sites that they visit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from .chromium import Chromium, launch_options
from .driver import Driver
from .firefox import Firefox
from .sites import Site, serving_sites
from .webkit import WebKit, display


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what pytest-base-url, which pytest-playwright brings, does to pytest 9."""
    config.addinivalue_line(
        "filterwarnings", "ignore:Session-scoped fixtures defined as instance:DeprecationWarning"
    )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the Chromium that the system has; Playwright's own need not be downloaded."""
    return {**browser_type_launch_args, **launch_options()}


@pytest.fixture(scope="session")
def sites() -> Iterator[dict[str, Site]]:
    """The example app at each of its addresses."""
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        del os.environ[name]
    with serving_sites() as sites:
        yield sites


@pytest.fixture(scope="session")
def start_chromium(playwright: Playwright) -> Callable[[Path], Driver]:
    return lambda profile: Chromium(playwright, profile)


@pytest.fixture(scope="session")
def start_firefox() -> Callable[[Path], Driver]:
    return Firefox


@pytest.fixture(scope="session")
def start_webkit() -> Iterator[Callable[[Path], Driver]]:
    with display() as name:
        yield lambda profile: WebKit(profile, name)


@pytest.fixture(scope="session", params=["chromium", "firefox", "webkit"])
def running_browser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Driver]:
    """One browser after the other."""
    start: Callable[[Path], Driver] = request.getfixturevalue(f"start_{request.param}")
    driver = start(tmp_path_factory.mktemp(request.param))
    yield driver
    driver.quit()


@pytest.fixture(params=["http", "https", "old-safari"])
def site(request: pytest.FixtureRequest, sites: dict[str, Site]) -> Site:
    """One address after the other."""
    return sites[request.param]


@pytest.fixture
def driver(running_browser: Driver, site: Site) -> Driver:
    """The browser, without cookies of the site."""
    running_browser.clear(site.url)
    site.requests.clear()
    return running_browser
