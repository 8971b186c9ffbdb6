"""Chromium, by Playwright."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page, Playwright

from ..servers.process import find_program
from .driver import PATIENCE, Driver

#: Chromium's sandbox does not work as root.
ARGUMENTS = ["--no-sandbox"] if os.geteuid() == 0 else []


def launch_options() -> dict[str, Any]:
    """Return what launches the Chromium that the system has."""
    return {"executable_path": find_program("chromium"), "args": ARGUMENTS}


class Window(Driver):
    """The tabs of one profile."""

    def __init__(self, context: BrowserContext) -> None:
        self._use(context)

    def _use(self, context: BrowserContext) -> None:
        self._context = context
        context.set_default_timeout(PATIENCE * 1000)
        self._page: Page = context.pages[0] if context.pages else context.new_page()

    def open(self, url: str) -> None:
        self._page.goto(url)

    def click(self, selector: str) -> None:
        self._page.click(selector)

    def text(self) -> str:
        try:
            return str(self._page.evaluate("document.body ? document.body.innerText : ''"))
        except Error:  # one page replaces another
            return ""

    @property
    def url(self) -> str:
        return self._page.url

    def cookies(self) -> dict[str, bool]:
        cookies = self._context.cookies(self.url)
        return {cookie["name"]: cookie["expires"] != -1 for cookie in cookies}

    def back(self) -> None:
        self._page.go_back()

    def reload(self) -> None:
        self._page.reload()

    @property
    def tab(self) -> str:
        return str(self._context.pages.index(self._page))

    def new_tab(self) -> str:
        self._page = self._context.new_page()
        return self.tab

    def use_tab(self, handle: str) -> None:
        self._page = self._context.pages[int(handle)]
        self._page.bring_to_front()

    def clear(self, url: str) -> None:
        self._page, *others = self._context.pages
        for page in others:
            page.close()
        self._context.clear_cookies()

    @contextmanager
    def private_window(self) -> Iterator[Window]:
        browser = self._context.browser
        assert browser is not None
        with browser.new_context(ignore_https_errors=True) as context:
            yield Window(context)

    def restart(self) -> None:
        raise NotImplementedError

    def quit(self) -> None:
        self._context.close()


class Chromium(Window):
    """A Chromium with a profile of its own."""

    def __init__(self, playwright: Playwright, profile: Path) -> None:
        self._playwright, self._profile = playwright, profile
        super().__init__(self._launch())

    def _launch(self) -> BrowserContext:
        return self._playwright.chromium.launch_persistent_context(
            self._profile, ignore_https_errors=True, **launch_options()
        )

    def restart(self) -> None:
        self.quit()
        self._use(self._launch())
