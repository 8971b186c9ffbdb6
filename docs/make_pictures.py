"""Makes the README's picture of a login: the consent page, and the example app after it.

Run from the root of the repository: `python -m docs.make_pictures`. It needs what `tox -e browser`
needs, and writes `docs/_static/login-light.png` and `docs/_static/login-dark.png`.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.real_browsers.conftest import chromium_options
from tests.real_browsers.sites import serving_sites

SCALE = 1.25
#: The pages side by side, with rounded corners on a transparent background.
PICTURE = """<!doctype html><style>
body { margin: 0; display: flex; gap: 32px; background: transparent }
img { width: 624px; height: 648px; border-radius: 14px;
  outline: 1px solid #8886; outline-offset: -1px }
</style><img src="data:image/png;base64,%s"><img src="data:image/png;base64,%s">"""


def take(page: Page, site: str) -> list[str]:
    """Log in, and return a screenshot of either page in base64."""
    page.goto(f"{site}/login")
    page.wait_for_selector("button[value=allow]")
    consent = page.screenshot()
    page.click("button[value=allow]")
    page.wait_for_selector("form.account")
    # What would be cut off at this height.
    page.evaluate("for (const it of document.querySelectorAll('.doors, footer')) it.remove()")
    return [b64encode(picture).decode() for picture in (consent, page.screenshot())]


def make_picture(browser: Browser, site: str, scheme: Literal["light", "dark"]) -> None:
    """Write the picture for one color scheme."""
    with browser.new_context(color_scheme=scheme, device_scale_factor=SCALE) as context:
        page = context.new_page()
        page.set_viewport_size({"width": 624, "height": 648})
        pictures = take(page, site)
        page.goto("about:blank")  # which has no Content-Security-Policy
        page.set_viewport_size({"width": 2 * 624 + 32, "height": 648})
        page.set_content(PICTURE % tuple(pictures))
        path = Path(__file__).with_name("_static") / f"login-{scheme}.png"
        page.screenshot(path=path, omit_background=True)


def main() -> None:
    """Write both pictures."""
    with serving_sites() as sites, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_options())
        make_picture(browser, sites["http"].url, "light")
        make_picture(browser, sites["http"].url, "dark")
        browser.close()


if __name__ == "__main__":
    main()
