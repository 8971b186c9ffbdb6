"""What a person does: from the home page through AltDentifier to the protected page, and out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .steps import Shoot, allow, control_page, fail, heading, log_in, log_out


def test_login_and_logout(page: Page, site: str, shoot: Shoot) -> None:
    """Home, log in, allow, the protected page, log out, and the protected page is closed."""
    page.goto(site)
    heading(page, "Know who is at the gate")
    expect(page.locator("#sandbox-banner")).to_be_visible()
    shoot("home")
    page.locator("#log-in").click()
    expect(page.get_by_role("button", name="Deny")).to_be_visible()
    shoot("authorize")
    allow(page)
    heading(page, "You are logged in")
    shoot("home-logged-in")
    page.get_by_role("link", name="Profile", exact=True).click()
    heading(page, "Your profile")
    expect(page.locator("time[datetime]").first).to_be_visible()
    expect(page.locator(".permissions li.given")).to_have_count(1)
    shoot("profile")
    log_out(page)
    page.goto(f"{site}/profile")
    expect(page).to_have_url(re.compile("/oauth2/authorize"))


def test_protected_page_leads_to_the_login_and_back(page: Page, site: str) -> None:
    """A person who wanted the profile gets there."""
    page.goto(f"{site}/profile?from=mail")
    allow(page)
    expect(page).to_have_url(f"{site}/profile?from=mail")
    heading(page, "Your profile")


def test_deny(page: Page, site: str, shoot: Shoot) -> None:
    """Who says no sees that nothing happened, and can try again."""
    page.goto(f"{site}/profile")
    page.get_by_role("button", name="Deny").click()
    heading(page, "You did not allow the login")
    shoot("denied")
    page.get_by_role("link", name="Log in with AltDentifier").click()
    allow(page)
    heading(page, "Your profile")


def test_more_access_and_declined(page: Page, site: str, shoot: Shoot) -> None:
    """A page that needs more asks for more; who unticks it is told what is missing."""
    log_in(page, site)
    page.get_by_role("link", name="Servers", exact=True).click()
    page.locator("input[name=granted][value='write:integrations']").uncheck()
    shoot("authorize-more")
    allow(page)
    heading(page, "More access is needed")
    expect(page.get_by_text("write:integrations")).to_be_visible()
    shoot("declined")
    page.get_by_role("link", name="Log in with AltDentifier").click()
    allow(page)
    expect(page.locator("input[name=granted][value='write:integrations']")).to_be_checked()
    allow(page)
    heading(page, "Your servers")
    shoot("servers")


def test_script_sees_each_answer(page: Page, site: str, shoot: Shoot) -> None:
    """The page's own script meets 401, 200 and 403."""
    page.goto(site)
    status = page.locator("#answer-status")
    page.get_by_role("button", name="GET /api/grant").click()
    expect(status).to_contain_text("401")
    log_in(page, site)
    page.get_by_role("button", name="GET /api/grant").click()
    expect(status).to_contain_text("200")
    page.get_by_role("button", name="GET /api/servers").click()
    expect(status).to_contain_text("403")
    expect(page.locator("#answer-body")).to_contain_text("insufficient_scope")
    shoot("api")


def test_back_button(page: Page, site: str) -> None:
    """Going back to the callback does no harm."""
    page.goto(site)
    page.locator("#log-in").click()
    with page.expect_request(re.compile("/callback")) as request:
        allow(page)
    heading(page, "You are logged in")
    page.goto(request.value.url)
    heading(page, "You are logged in")


def test_callback_of_another_browser(
    page: Page, site: str, shoot: Shoot, new_context: Callable[[], BrowserContext]
) -> None:
    """A callback that was begun elsewhere is refused with a page that leads on."""
    page.goto(site)
    page.locator("#log-in").click()
    with page.expect_request(re.compile("/callback")) as request:
        allow(page)
    heading(page, "You are logged in")
    other = new_context().new_page()
    other.goto(request.value.url)
    heading(other, "This login cannot be finished")
    page.goto(f"{site}/callback?state=forged")
    heading(page, "You are logged in")
    log_out(page)
    page.goto(f"{site}/callback?state=forged")
    heading(page, "This login cannot be finished")
    shoot("refused")


FAILURES = {
    "bad-request": "AltDentifier did not accept this login",
    "unauthorized": "This site is set up wrongly",
    "rate-limited": "AltDentifier is busy",
    "server-error": "AltDentifier has a problem",
    "unavailable": "AltDentifier is busy",
    "garbage": "AltDentifier has a problem",
    "slow": "AltDentifier took too long",
}


@pytest.mark.parametrize(("failure", "title"), FAILURES.items(), ids=FAILURES)
def test_each_failure_has_its_page(
    page: Page, site: str, shoot: Shoot, failure: str, title: str
) -> None:
    """Each failure that the sandbox can play ends in its page; then a login works again."""
    control = control_page(page, site)
    fail(page, control, failure)
    shoot("sandbox")
    page.goto(site)
    page.locator("#log-in").click()
    allow(page)
    heading(page, title)
    shoot(failure)
    fail(page, control, "none")
    log_in(page, site)


def test_no_page_breaks_its_content_security_policy(page: Page, site: str) -> None:
    """No page logs an error in the browser's console."""
    problems: list[str] = []
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    log_in(page, site)
    for path in ("/", "/profile"):
        page.goto(site + path)
    log_out(page)
    assert problems == []
