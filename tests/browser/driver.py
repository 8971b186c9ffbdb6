"""What the stories need of a browser. `chromium`, `firefox` and `webkit` implement it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager

#: Seconds until a page must be there. The machine may be busy.
PATIENCE = 60.0


class Driver(ABC):
    """A browser with one current tab. Elements are named by CSS selectors."""

    #: Whether it prefetches the links that a page says may be next.
    prefetches = True

    @abstractmethod
    def open(self, url: str) -> None:
        """Load *url* in the current tab."""

    @abstractmethod
    def click(self, selector: str) -> None:
        """Click on an element as soon as it is there."""

    @abstractmethod
    def text(self) -> str:
        """Return the visible text of the page, or "" if there is none at this moment."""

    @property
    @abstractmethod
    def url(self) -> str:
        """URL of the current tab."""

    @abstractmethod
    def cookies(self) -> dict[str, bool]:
        """Return which cookies the page's site has here, and whether each survives a restart."""

    @abstractmethod
    def back(self) -> None:
        """Press the back button."""

    @abstractmethod
    def reload(self) -> None:
        """Press the reload button."""

    @property
    @abstractmethod
    def tab(self) -> str:
        """Handle of the current tab."""

    @abstractmethod
    def new_tab(self) -> str:
        """Open a tab, make it the current one, and return its handle."""

    @abstractmethod
    def use_tab(self, handle: str) -> None:
        """Make another tab the current one."""

    @abstractmethod
    def restart(self) -> None:
        """Quit the browser and start it again with the same profile."""

    @abstractmethod
    def private_window(self) -> AbstractContextManager[Driver]:
        """Return a driver of a private window, which is closed at the end."""

    @abstractmethod
    def clear(self, url: str) -> None:
        """Close all tabs but one, and delete the cookies of the site at *url*."""

    @abstractmethod
    def quit(self) -> None:
        """End the browser."""


def wait_until(condition: Callable[[], object], what: Callable[[], str]) -> None:
    """Wait until *condition* is true. The failure shows what was there instead."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def see(driver: Driver, text: str) -> None:
    """Wait until the page shows *text*."""
    wait_until(
        lambda: text in driver.text(),
        lambda: f"{text!r} is not at {driver.url}: {driver.text()!r}",
    )
