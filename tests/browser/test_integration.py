"""What a server owner does: add Gatehouse to a server, see its events, look an account up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from .conftest import SCREENSHOTS
from .steps import PHONE, Shoot, allow, control_page, fail, heading, log_in, log_out, submit


@pytest.fixture
def sandbox(page: Page, site: str) -> Iterator[str]:
    """The URL of the sandbox's control page; its switch is set back at the end."""
    url = control_page(page, site)
    yield url
    fail(page, url, "none")


def add_to_server(page: Page, server: str) -> Page:
    """Add Gatehouse to *server* in a new tab, and return it: the page that sends events."""
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Add to my server").click()
    tab = popup.value
    tab.get_by_label(server).check()
    allow(tab)
    heading(tab, f"Gatehouse was added to {server}")
    tab.get_by_role("link", name="Send events to Gatehouse").click()
    heading(tab, "Send events to Gatehouse")
    return tab


def press(tab: Page, button: str, answer: str) -> None:
    """Press a button and expect *answer* as what came back last."""
    submit(tab, button)
    expect(tab.locator(".sent li").first).to_contain_text(answer)


def no_sideways_scrolling(page: Page) -> None:
    """Expect that nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_events_appear_once(page: Page, site: str, shoot: Shoot) -> None:
    """An event appears by itself; its replay and a forged one do not."""
    log_in(page, site)
    page.get_by_role("link", name="Events", exact=True).click()
    heading(page, "Events")
    expect(page.locator("#events-status")).to_have_text("None yet.")
    shoot("events-none")

    tab = add_to_server(page, "Garden Neighbours")
    expect(tab.get_by_role("button", name="Replay the last one")).to_be_disabled()
    tab.get_by_label("grace").check()
    press(tab, "Verification passed", "204 No Content")
    events = page.locator("#events li")
    expect(events).to_have_count(1)
    expect(events.first).to_contain_text("Verification passed")
    expect(events.first).to_contain_text("grace (200000000000000002)")
    expect(events.first).to_contain_text("Garden Neighbours")
    expect(events.first).to_contain_text("method: steam")

    expect(tab.get_by_label("grace")).to_be_checked()
    press(tab, "Replay the last one", "replayed 204 No Content")
    press(tab, "Bad signature", "403 Forbidden")
    press(tab, "Verification failed", "204 No Content")
    expect(events).to_have_count(2)
    expect(page.locator("#events-status")).to_have_text("2 events.")
    expect(events.first).to_contain_text("Verification failed")
    page.reload()
    expect(events).to_have_count(2)

    for button in ("Verification started", "Verification ignored", "Account incorrect"):
        press(tab, button, "204 No Content")
    press(tab, "Test event", "204 No Content")
    expect(events).to_have_count(6)
    shoot("events")
    tab.screenshot(path=SCREENSHOTS / "sandbox-events.png", full_page=True)
    page.set_viewport_size(PHONE)
    tab.set_viewport_size(PHONE)
    no_sideways_scrolling(page)
    no_sideways_scrolling(tab)
    shoot("events-phone")
    tab.screenshot(path=SCREENSHOTS / "sandbox-events-phone.png", full_page=True)


def test_events_end_with_the_login(page: Page, site: str) -> None:
    """A page of events that is left open is emptied when its visitor logs out elsewhere."""
    log_in(page, site)
    page.goto(f"{site}/events")
    other = page.context.new_page()
    other.goto(site)
    log_out(other)
    expect(page.locator("#events-status")).to_contain_text("You are logged out.")
    expect(page.locator("#events li")).to_have_count(0)


def test_one_server(page: Page, site: str, shoot: Shoot) -> None:
    """Who knows the id of a server gets a link for it alone; what is no id is told."""
    log_in(page, site)
    page.get_by_role("link", name="Servers", exact=True).click()
    allow(page)
    heading(page, "Your servers")
    page.get_by_label("its Discord id").fill("my server")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("alert")).to_contain_text("That is no Discord id.")
    page.get_by_label("its Discord id").fill("400000000000000002")
    page.get_by_role("button", name="Make a link").click()
    shoot("one-server")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Add to server 400000000000000002").click()
    expect(popup.value.locator("input[name=guild]")).to_have_count(1)
    expect(popup.value.get_by_label("Garden Neighbours")).to_be_checked()


def test_trust_look_up(page: Page, site: str, sandbox: str, shoot: Shoot) -> None:
    """Each account has its answer; wrong ids and failures are told beside the form."""
    log_in(page, site)
    page.get_by_role("link", name="Trust", exact=True).click()
    heading(page, "Trust look-up")
    field, answer = page.get_by_label("Discord id"), page.locator("#answer")

    def look_up(user_id: str, words: str) -> None:
        field.fill(user_id)
        page.get_by_role("button", name="Look up").click()
        expect(answer).to_contain_text(words)
        expect(field).to_have_value(user_id)

    look_up("100000000000000001", "Very Trusted")
    shoot("trust")
    look_up("1000000000000000003", "Very Distrusted")
    look_up("42", "does not know this account")
    look_up("../../token", "That is no Discord id.")
    shoot("trust-invalid")
    for failure, words in {
        "rate-limited": "AltDentifier is busy",
        "garbage": "AltDentifier has a problem",
    }.items():
        fail(page, sandbox, failure)
        page.goto(f"{site}/trust")
        look_up("100000000000000001", words)
    fail(page, sandbox, "rate-limited")
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/trust?user_id=100000000000000001")
    expect(answer).to_contain_text("a pause of 30 seconds")
    no_sideways_scrolling(page)
    shoot("trust-busy-phone")


def test_token_that_ended(page: Page, site: str, sandbox: str, shoot: Shoot) -> None:
    """Where AltDentifier no longer takes the token, a new login leads back to the look-up."""
    log_in(page, site)
    fail(page, sandbox, "unauthorized")
    page.goto(f"{site}/trust?user_id=100000000000000001")
    heading(page, "Please log in")
    shoot("trust-log-in")
    fail(page, sandbox, "none")
    page.goto(f"{site}/trust?user_id=100000000000000001")
    allow(page)
    expect(page.locator("#answer")).to_contain_text("Very Trusted")


def test_phone(page: Page, site: str, sandbox: str, shoot: Shoot) -> None:
    """Nothing is wider than a phone."""
    page.set_viewport_size(PHONE)
    for name, url in {"home-phone": site, "sandbox-phone": sandbox}.items():
        page.goto(url)
        no_sideways_scrolling(page)
        shoot(name)
    log_in(page, site)
    page.goto(f"{site}/servers")
    allow(page)
    heading(page, "Your servers")
    no_sideways_scrolling(page)
    shoot("servers-phone")


def test_no_page_breaks_its_content_security_policy(page: Page, site: str) -> None:
    """No page logs an error in the browser's console."""
    problems: list[str] = []
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    log_in(page, site)
    for path in ("/events", "/trust", "/trust?user_id=100000000000000001"):
        page.goto(site + path)
        page.wait_for_load_state("networkidle")
    assert problems == []
