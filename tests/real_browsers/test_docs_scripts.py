"""The script on the page about API calls, in a page of the example app."""

from __future__ import annotations

from playwright.sync_api import Page

from ..docs.pages import blocks
from .sites import Site
from .test_stories import ALLOW


def test_script_leads_to_the_login_and_back(page: Page, sites: dict[str, Site]) -> None:
    [script] = [block.code for block in blocks("api") if block.language == "js"]
    here = f"{sites['http'].url}/trust?user_id=42"
    page.goto(here)
    page.evaluate(f"() => {{ {script} get('/members'); }}")
    page.wait_for_url("**/oauth2/authorize?*")
    page.click(ALLOW)
    page.wait_for_url(here)
    assert page.evaluate("async () => (await fetch('/members')).status") == 200
