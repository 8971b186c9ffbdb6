"""What visitors of the example app do, in each browser, on http and on https."""

from __future__ import annotations

from flask_altdentifier.sandbox import Failure

from ..servers.process import wait_until
from .sites import Site
from .webdriver import Driver

LOG_IN = "#log-in"
ALLOW = "button[value=allow]"
CANCEL = "button[value=deny]"
NEXT_STEP = ".steps a"
LOG_OUT = "form.account button"
INTEGRATIONS = "input[value='write:integrations']"

#: What one page shows, and no other.
HOME = "See who has verified"
CONSENT = "wants to access your AltDentifier account"
LOGGED_IN = "You are logged in"
MEMBERS = "Everybody who is logged in to this example"
SERVERS = "Add Gatehouse to a server"


def log_in(driver: Driver, site: Site) -> None:
    driver.open(site.url)
    driver.see(HOME)
    driver.click(LOG_IN)
    allow(driver, LOGGED_IN)


def allow(driver: Driver, then: str) -> None:
    """Allow on the consent page, and see the page that follows."""
    driver.see(CONSENT)
    driver.click(ALLOW)
    driver.see(then)


def log_out(driver: Driver) -> None:
    driver.click(LOG_OUT)
    driver.see(HOME)


def login_cookies(driver: Driver) -> list[str]:
    return [name for name in driver.cookies() if "altdentifier" in name and "state" not in name]


def state_cookies(driver: Driver) -> list[str]:
    return [name for name in driver.cookies() if "state" in name]


def test_login_returns_to_the_page_and_logout_closes_it(driver: Driver, site: Site) -> None:
    driver.open(f"{site.url}/members?from=mail")
    allow(driver, MEMBERS)
    assert driver.url == f"{site.url}/members?from=mail"
    (name,) = login_cookies(driver)
    assert name.startswith("__Host-") == site.url.startswith("https")
    assert state_cookies(driver) == []
    if site.is_old_safari:
        assert not any("HTTP_SEC_FETCH_MODE" in request for request in site.requests)
    log_out(driver)
    assert login_cookies(driver) == []
    driver.open(f"{site.url}/members")
    driver.see(CONSENT)


def test_denied_login_can_be_tried_again(driver: Driver, site: Site) -> None:
    driver.open(f"{site.url}/members")
    driver.see(CONSENT)
    driver.click(CANCEL)
    driver.see("access_denied")
    driver.click(NEXT_STEP)
    allow(driver, MEMBERS)


def test_step_up_and_declined_scope(driver: Driver, site: Site) -> None:
    log_in(driver, site)
    driver.open(f"{site.url}/servers")
    driver.see(CONSENT)
    driver.click(INTEGRATIONS)
    allow(driver, "insufficient_scope")
    driver.click(NEXT_STEP)
    allow(driver, SERVERS)
    assert driver.url == f"{site.url}/servers"


def test_back_to_the_consent_page_of_a_used_state(driver: Driver, site: Site) -> None:
    log_in(driver, site)
    driver.send("Back")
    allow(driver, LOGGED_IN)
    log_out(driver)
    driver.open(f"{site.url}/members")
    allow(driver, MEMBERS)
    first = driver.tab
    driver.new_tab()
    driver.open(site.url)
    log_out(driver)
    driver.use_tab(first)
    driver.send("Back")
    allow(driver, "invalid_state")
    assert login_cookies(driver) == []
    driver.click(NEXT_STEP)
    allow(driver, LOGGED_IN)


def test_back_after_a_logout_does_not_show_the_page(driver: Driver, site: Site) -> None:
    driver.open(f"{site.url}/members")
    allow(driver, MEMBERS)
    log_out(driver)
    driver.send("Back")
    driver.see(CONSENT)


def test_reload_of_a_failed_callback(driver: Driver, site: Site) -> None:
    driver.open(f"{site.url}/members")
    driver.see(CONSENT)
    site.sandbox.failure = Failure.SERVER_ERROR
    try:
        driver.click(ALLOW)
        driver.see("provider_error")
    finally:
        site.sandbox.failure = Failure.NONE
    driver.send("Refresh")
    driver.see("invalid_state")
    driver.click(NEXT_STEP)
    allow(driver, LOGGED_IN)


def start_in_tabs(driver: Driver, site: Site, number: int) -> list[str]:
    """Start a login in each of some tabs."""
    tabs = []
    for count in range(number):
        tabs.append(driver.new_tab())
        driver.open(f"{site.url}/members?tab={count}")
        driver.see(CONSENT)
    return tabs


def test_two_tabs_log_in_and_one_logs_out(driver: Driver, site: Site) -> None:
    first, second = start_in_tabs(driver, site, 2)
    for tab in (second, first):
        driver.use_tab(tab)
        allow(driver, MEMBERS)
    assert driver.url == f"{site.url}/members?tab=0"
    driver.use_tab(second)
    assert driver.url == f"{site.url}/members?tab=1"
    log_out(driver)
    driver.use_tab(first)
    driver.send("Refresh")
    driver.see(CONSENT)


def test_six_tabs_drop_the_oldest_login(driver: Driver, site: Site) -> None:
    oldest, *tabs = start_in_tabs(driver, site, 6)
    driver.use_tab(oldest)
    allow(driver, "invalid_state")
    for number, tab in reversed(list(enumerate(tabs, 1))):
        driver.use_tab(tab)
        allow(driver, MEMBERS)
        assert driver.url == f"{site.url}/members?tab={number}"


def test_login_outlives_the_browser_and_the_session_does_not(driver: Driver, site: Site) -> None:
    log_in(driver, site)
    driver.open(f"{site.url}/servers")
    driver.see(CONSENT)  # and the session holds a state
    driver.open(site.url)
    driver.see(LOGGED_IN)
    before = driver.cookies()
    assert {kept for name, kept in before.items() if name == "session"} == {False}
    driver.restart()
    driver.open(site.url)
    driver.see(LOGGED_IN)
    assert set(driver.cookies()) == {name for name, kept in before.items() if kept}


def test_private_window_cannot_finish_a_login(driver: Driver, site: Site) -> None:
    log_in(driver, site)
    driver.open(f"{site.url}/servers")
    driver.see(CONSENT)
    consent = driver.url
    with driver.private_window() as private:
        private.open(site.url)
        private.see(HOME)
        private.open(consent)
        allow(private, "invalid_state")
        log_in(private, site)
    allow(driver, SERVERS)


def test_prefetch_starts_no_login(driver: Driver, site: Site) -> None:
    driver.open(f"{site.url}/prefetching")
    driver.see("Prefetching")
    if driver.prefetches:
        wait_until(lambda: prefetches(site) != [], "a prefetch")
    assert set(prefetches(site)) <= {503}
    assert state_cookies(driver) == []
    driver.click(LOG_IN)
    allow(driver, LOGGED_IN)


def prefetches(site: Site) -> list[int]:
    """Return the statuses of the prefetched logins."""
    return [
        request["status"]
        for request in site.requests
        if request["PATH_INFO"] == "/login" and "prefetch" in request.get("HTTP_SEC_PURPOSE", "")
    ]
