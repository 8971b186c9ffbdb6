"""What an accessibility checker and a keyboard meet: on a phone and a desktop, light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize, expect
from werkzeug.serving import make_server

from flask_altdentifier.errors import AltDentifierError

from ..support import make_app
from ..test_errors import CLASSES, make
from .steps import PHONE, allow, control_page, fail, heading, log_in
from .test_integration import press

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
AXE = Axe()

#: An event as `/api/events` tells it.
EVENT = {
    "title": "Verification passed",
    "member": "grace (200000000000000002)",
    "server": "Garden Neighbours (400000000000000002)",
    "details": "method: steam",
    "received_at": "2030-01-01T12:00:00+00:00",
}
#: What Tab should reach, in order: of a radio group, the chosen one.
STOPS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea")]
    .filter(e => !e.disabled && !(e.type === "radio" && !e.checked))"""
#: Whether the focused element, or the row that stands for it, has an outline.
OUTLINED = """e => [e, e.closest("label")].some(
    one => one && getComputedStyle(one).outlineStyle !== "none"
        && parseFloat(getComputedStyle(one).outlineWidth) >= 2)"""


def check(page: Page) -> None:
    """Expect no violation on the page as it stands, at both widths and in both schemes."""
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            results = AXE.run(page)
            where = f"{page.url}, {size['width']} pixels, {scheme}"
            assert results.violations_count == 0, f"{where}: {results.generate_report()}"


def check_keyboard(page: Page) -> None:
    """Expect Tab to reach every control in the page's order, each with a visible outline."""
    stops = page.evaluate_handle(STOPS)
    count: int = stops.evaluate("stops => stops.length")
    assert count > 0
    for number in range(count):
        page.keyboard.press("Tab")
        assert stops.evaluate("(stops, i) => stops[i] === document.activeElement", number), number
        assert page.evaluate(f"({OUTLINED})(document.activeElement)"), number


@pytest.fixture
def control(page: Page, site: str) -> str:
    """The URL of the sandbox's control page."""
    return control_page(page, site)


@pytest.fixture(scope="module")
def failing() -> Iterator[str]:
    """Serve an app without templates of its own, with a page `/NAME` for each error."""
    app = make_app()
    for kind in CLASSES:
        app.add_url_rule(f"/{kind.__name__}", kind.__name__, raising(kind))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def raising(kind: type[AltDentifierError]) -> Callable[[], str]:
    """Return a view that raises an error of *kind*."""

    def view() -> str:
        raise make(kind)

    return view


def test_example(page: Page, site: str) -> None:
    """The pages of the example have no violation, logged out and in."""
    page.goto(site)
    check(page)
    log_in(page, site)
    page.get_by_role("button", name="GET /api/servers").click()
    expect(page.locator("#answer-body")).to_be_visible()
    check(page)
    page.goto(f"{site}/profile")
    check(page)
    page.goto(f"{site}/nowhere")
    check(page)
    page.goto(f"{site}/servers")
    allow(page)
    heading(page, "Your servers")
    page.get_by_label("its Discord id").fill("my server")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page)


def test_trust(page: Page, site: str, control: str) -> None:
    """The look-up has none before, with an answer, for what is unknown, wrong or unavailable."""
    log_in(page, site)
    for query in ("", "?user_id=100000000000000001", "?user_id=42", "?user_id=my-friend"):
        page.goto(f"{site}/trust{query}")
        check(page)
    fail(page, control, "rate-limited")
    page.goto(f"{site}/trust?user_id=100000000000000001")
    expect(page.locator("#answer")).to_contain_text("AltDentifier is busy")
    check(page)
    fail(page, control, "none")


def test_events_and_sandbox(page: Page, site: str, control: str) -> None:
    """The sandbox's pages have none, nor has the example's page of events, empty and full."""
    page.goto(site)
    page.locator("#log-in").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    check(page)
    allow(page)
    heading(page, "You are logged in")
    page.goto(f"{site}/servers")
    expect(page.get_by_role("checkbox")).to_have_count(2)
    check(page)
    allow(page)
    heading(page, "Your servers")
    page.goto(f"{site}/events")
    check(page)
    page.wait_for_function("shown")  # what the app has, which stays as it is for other tests
    page.evaluate("event => show([event, event])", EVENT)
    expect(page.locator("#events li")).to_have_count(2)
    check(page)

    with page.expect_popup() as popup:
        page.get_by_role("link", name="Add to my server").click()
    tab = popup.value
    heading(tab, "Add Gatehouse to a Discord server of yours")
    check(tab)
    allow(tab)
    heading(tab, re.compile("Gatehouse was added to"))
    check(tab)
    tab.get_by_role("link", name="Send events to Gatehouse").click()
    press(tab, "Bad signature", "403 Forbidden")
    check(tab)

    tab.goto(control)
    check(tab)
    tab.goto(f"{control}oauth2/authorize?client_id=gatehouse&redirect_uri=//elsewhere")
    heading(tab, "Bad Request")
    check(tab)


@pytest.mark.parametrize("kind", CLASSES)
def test_error_pages(page: Page, failing: str, kind: type[AltDentifierError]) -> None:
    """The page of each error has none, and leads on by keyboard."""
    page.goto(f"{failing}/{kind.__name__}")
    heading(page, kind.title)
    check_keyboard(page)
    check(page)


def test_authorize_page_by_keyboard(page: Page, site: str) -> None:
    """A login needs no mouse: Tab reaches the choices and the buttons, Enter decides."""
    log_in(page, site)
    page.goto(f"{site}/servers")
    heading(page, "Gatehouse asks for access to your AltDentifier account")
    check_keyboard(page)
    expect(page.get_by_role("button", name="Allow")).to_be_focused()
    page.keyboard.press("Enter")
    heading(page, "Your servers")


def test_example_by_keyboard(page: Page, site: str) -> None:
    """Tab goes through the home page, from the link that skips to the content."""
    page.goto(site)
    check_keyboard(page)
