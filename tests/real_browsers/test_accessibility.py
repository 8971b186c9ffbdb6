"""Each page on a phone and on a desktop, light and dark: axe-core, width, and a screenshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from flask_altdentifier import errors
from flask_altdentifier.errors import AltDentifierError

from ..support import make_app
from ..test_errors import CLASSES, make
from .sites import QuietHandler, Site, serving
from .test_stories import ALLOW

#: Not pytest-playwright's test-results, which it empties.
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
ERRORS = [*map(make, CLASSES), errors.ProviderUnavailable(retry_after="30")]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE = Axe()
expect.set_options(timeout=30_000)  # a busy machine is no failure

Look = Callable[[str], None]


@pytest.fixture
def look(page: Page) -> Iterator[Look]:
    """Check the page as it stands, and keep a screenshot of it under a name."""
    blocked: list[str] = []
    page.on("console", lambda it: blocked.append(it.text) if "Policy" in it.text else None)

    def check(name: str) -> None:
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                path = SCREENSHOTS / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=path, full_page=True)
                results = AXE.run(page)
                assert results.violations_count == 0, f"{path}: {results.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name

    yield check
    assert blocked == []


def press(page: Page, selector: str, heading: str) -> None:
    """Click, and wait for the main heading of the page that follows."""
    page.click(selector)
    expect(page.locator("h1")).to_contain_text(heading)


def log_in(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/login")
    press(page, ALLOW, "You are logged in")


@pytest.fixture(scope="module")
def failing() -> Iterator[str]:
    """Serve an app without templates of its own, with a page for each error."""
    app = make_app()
    for number, error in enumerate(ERRORS):
        app.add_url_rule(f"/{number}", str(number), raising(error))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    with serving(server):
        yield f"http://127.0.0.1:{server.port}"


def raising(error: AltDentifierError) -> Callable[[], str]:
    """Return a view that raises an error, which offers a login where that is the next step."""
    if error.next_step is not None:
        error.login_url = "/login"

    def view() -> str:
        raise error

    return view


@pytest.mark.parametrize("number", range(len(ERRORS)), ids=[it.reason for it in ERRORS])
def test_error_page(page: Page, failing: str, look: Look, number: int) -> None:
    page.goto(f"{failing}/{number}")
    look(f"error-{ERRORS[number].reason}-{number}")


def test_logout_page(page: Page, failing: str, look: Look) -> None:
    page.goto(f"{failing}/logout")
    look("logout")


def test_longest_texts_fit_on_a_phone(page: Page, failing: str) -> None:
    page.set_viewport_size({"width": 320, "height": 600})
    for language in ("de", "fr", "tr"):
        page.set_extra_http_headers({"Accept-Language": language})
        for number in range(len(ERRORS)):
            page.goto(f"{failing}/{number}")
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url


def test_example(page: Page, sites: dict[str, Site], look: Look) -> None:
    site = sites["http"]
    page.goto(site.url)
    look("home")
    page.goto(f"{site.url}/callback?state=made-up")
    look("example-error")
    log_in(page, site)
    look("home-logged-in")
    for name, path in {
        "nowhere": "nowhere",
        "trust": "trust",
        "trust-answer": "trust?user_id=100000000000000001",
        "trust-unknown": "trust?user_id=42",
        "trust-invalid": "trust?user_id=ada",
    }.items():
        page.goto(f"{site.url}/{path}")
        look(name)


def test_sandbox(page: Page, sites: dict[str, Site], look: Look) -> None:
    """Its pages, and those of the example that need it."""
    site = sites["http"]
    log_in(page, site)
    page.goto(f"{site.url}/members")
    look("members-none")
    page.goto(f"{site.url}/servers")
    look("consent-more")
    page.uncheck("input[value='write:integrations']")
    press(page, ALLOW, "more access")
    look("example-declined")
    press(page, ".steps a", "wants to access")
    press(page, ALLOW, "Servers")
    look("servers")
    page.goto(page.get_attribute(".sandbox a", "href") or "")
    look("sandbox")
    press(page, "text=Send events", "Send events")
    look("sandbox-events-none")
    page.go_back()
    press(page, "text=to a server", "Discord server")
    look("sandbox-integration")
    press(page, ALLOW, "was added")
    look("sandbox-integration-done")
    press(page, "text=Send events", "Send events")
    page.click("text=Verification passed")
    expect(page.locator("[role=status] li strong")).to_contain_text("204")
    look("sandbox-events")
    page.goto(f"{site.url}/members")
    look("members")
    page.click("text=Forget")
    expect(page.locator(".notice")).to_be_visible()
    look("members-forgotten")
    page.goto(f"{site.url}/login")
    look("consent")
    page.goto(page.url.replace("gatehouse", "nobody"))
    look("sandbox-error")
