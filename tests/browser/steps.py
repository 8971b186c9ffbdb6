"""What the tests' person does and sees; each step ends when the page that it leads to is there."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, ViewportSize, expect

from flask_altdentifier.sandbox import Failure

#: Keeps a screenshot under a name.
Shoot = Callable[[str], None]

PHONE: ViewportSize = {"width": 390, "height": 844}


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    """Expect the page's main heading to be *text*."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def allow(page: Page) -> None:
    """Allow on the sandbox's authorize page."""
    page.get_by_role("button", name="Allow").click()


def log_in(page: Page, site: str) -> None:
    """Log in from the home page."""
    page.goto(site)
    page.locator("#log-in").click()
    allow(page)
    heading(page, "You are logged in")


def log_out(page: Page) -> None:
    """Log out from any page of the example."""
    page.locator("#log-out").click()
    heading(page, "Know who is at the gate")


def control_page(page: Page, site: str) -> str:
    """Return the URL of the sandbox's control page, from the link on the home page."""
    page.goto(site)
    url = page.get_by_role("link", name="Sandbox control page").get_attribute("href")
    assert url is not None
    return url


def submit(page: Page, button: str) -> None:
    """Press a button of a form, and wait for the page that it ends in.

    The next `goto` or click would cut off a form that is still under way.
    """
    with page.expect_response(lambda it: it.request.is_navigation_request() and it.ok):
        page.get_by_role("button", name=button).click()


def fail(page: Page, control: str, failure: str) -> None:
    """Set the sandbox's switch on its *control* page."""
    page.goto(control)
    page.locator(f"input[name=failure][value={failure}]").check()
    submit(page, "Set")
    expect(page.get_by_role("status")).to_contain_text(Failure(failure).meaning)
