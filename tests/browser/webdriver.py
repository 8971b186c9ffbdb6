"""The commands of W3C WebDriver that Firefox and WebKitGTK share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from .driver import Driver, wait_until

#: What happens while one page replaces another.
IN_TRANSIT = {
    "element not interactable",
    "javascript error",
    "no such element",
    "no such frame",
    "no such window",
    "stale element reference",
    "unknown error",
}
#: The key of an element's id in JSON (WebDriver section 12.2).
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class WebDriverError(Exception):
    """The browser's answer to a command is an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class WebDriver(Driver):
    """A browser that is driven by commands."""

    @abstractmethod
    def send(self, command: str, **parameters: Any) -> Any:
        """Send one of the WebDriver commands and return its value, or raise `WebDriverError`."""

    def open(self, url: str) -> None:
        self.send("Navigate", url=url)

    def click(self, selector: str) -> None:
        wait_until(
            lambda: self._try_to_click(selector),
            lambda: f"{selector} is not at {self.url}: {self.text()!r}",
        )

    def _try_to_click(self, selector: str) -> bool:
        try:
            element = self.send("FindElement", using="css selector", value=selector)
            self.send("ElementClick", id=element[ELEMENT])
        except WebDriverError as error:
            if error.code not in IN_TRANSIT:
                raise
            return False
        return True

    def text(self) -> str:
        try:
            script = "return document.body ? document.body.innerText : ''"
            return str(self.send("ExecuteScript", script=script, args=[]))
        except WebDriverError as error:
            if error.code not in IN_TRANSIT:
                raise
            return ""

    @property
    def url(self) -> str:
        return str(self.send("GetCurrentURL"))

    def cookies(self) -> dict[str, bool]:
        return {cookie["name"]: "expiry" in cookie for cookie in self.send("GetCookies")}

    def back(self) -> None:
        self.send("Back")

    def reload(self) -> None:
        self.send("Refresh")

    @property
    def tab(self) -> str:
        return str(self.send("GetWindowHandle"))

    def new_tab(self) -> str:
        handle = str(self.send("NewWindow", type="tab")["handle"])
        self.use_tab(handle)
        return handle

    def use_tab(self, handle: str) -> None:
        self.send("SwitchToWindow", handle=handle)

    def clear(self, url: str) -> None:
        first, *others = self.send("GetWindowHandles")
        for handle in others:
            self.use_tab(handle)
            self.send("CloseWindow")
        self.use_tab(first)
        wait_until(lambda: self._is_clean(url), lambda: f"cookies stay: {self.cookies()}")

    def _is_clean(self, url: str) -> bool:
        """Load a page to find out: WebKit deletes cookies some time after it says so."""
        self.open(url)
        if not self.cookies():
            return True
        self.send("DeleteAllCookies")
        return False
