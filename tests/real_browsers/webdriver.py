"""A browser as the stories see it, by the commands of W3C WebDriver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, suppress
from typing import Any

from ..servers.process import wait_until

#: The key of an element's id in JSON (WebDriver section 12.2).
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class WebDriverError(Exception):
    """The browser's answer to a command, for example while one page replaces another."""


class Driver(ABC):
    """A browser with one current tab. Elements are named by CSS selectors."""

    #: Whether it prefetches the links that a page says may be next.
    prefetches = True

    @abstractmethod
    def send(self, command: str, **parameters: Any) -> Any:
        """Send a WebDriver command and return its value. Raises `WebDriverError`."""

    @abstractmethod
    def restart(self) -> None:
        """Quit the browser and start it again with the same profile."""

    @abstractmethod
    def private_window(self) -> AbstractContextManager[Driver]:
        """Return a driver of a private window, which is closed at the end."""

    @abstractmethod
    def quit(self) -> None:
        """End the browser."""

    def open(self, url: str) -> None:
        """Load *url* in the current tab."""
        self.send("Navigate", url=url)

    def click(self, selector: str) -> None:
        """Click on an element as soon as it is there."""
        wait_until(lambda: self._clicks(selector), f"{selector} at {self.url}")

    def _clicks(self, selector: str) -> bool:
        with suppress(WebDriverError):
            element = self.send("FindElement", using="css selector", value=selector)
            self.send("ElementClick", id=element[ELEMENT])
            return True
        return False

    def text(self) -> str:
        """Return the visible text of the page, or "" if there is none at this moment."""
        with suppress(WebDriverError):
            return str(self.send("ExecuteScript", script="return document.body.innerText", args=[]))
        return ""

    def see(self, text: str) -> None:
        """Wait until the page shows *text*."""
        try:
            wait_until(lambda: text in self.text(), text)
        except AssertionError:
            raise AssertionError(f"{text!r} is not at {self.url}: {self.text()!r}") from None

    @property
    def url(self) -> str:
        return str(self.send("GetCurrentURL"))

    def cookies(self) -> dict[str, bool]:
        """Return the names of the site's cookies, and whether each survives a restart."""
        return {cookie["name"]: "expiry" in cookie for cookie in self.send("GetCookies")}

    @property
    def tab(self) -> str:
        """Handle of the current tab."""
        return str(self.send("GetWindowHandle"))

    def new_tab(self) -> str:
        """Open a tab, make it the current one, and return its handle."""
        self.use_tab(self.send("NewWindow", type="tab")["handle"])
        return self.tab

    def use_tab(self, handle: str) -> None:
        self.send("SwitchToWindow", handle=handle)

    def clear(self, url: str) -> None:
        """Close all tabs but one, and delete the cookies of the site at *url*."""
        first, *others = self.send("GetWindowHandles")
        for handle in others:
            self.use_tab(handle)
            self.send("CloseWindow")
        self.use_tab(first)
        wait_until(lambda: self._is_clean(url), "no cookies")

    def _is_clean(self, url: str) -> bool:
        """Load a page to find out: WebKit deletes cookies some time after it says so."""
        self.open(url)
        if self.cookies():
            self.send("DeleteAllCookies")
            return False
        return True
