"""A cookie jar that follows the rules of browsers (RFC 6265bis), for one host on https."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class Jar:
    """Cookies by name and path, and when each ends."""

    clock: Callable[[], float] = time.time
    cookies: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def copy(self) -> Jar:
        """Return a copy, as a thief takes it."""
        return Jar(self.clock, dict(self.cookies))

    def receive(self, set_cookies: Iterable[str]) -> None:
        """Follow the `Set-Cookie` headers of one response, in their order."""
        for header in set_cookies:
            pair, *rest = header.split(";")
            name, _, value = pair.strip().partition("=")
            pairs = (attribute.strip().partition("=") for attribute in rest)
            self._set(name, value, {key.lower(): text for key, _, text in pairs})

    def _set(self, name: str, value: str, attributes: dict[str, str]) -> None:
        path = attributes.get("path", "/")
        is_host_cookie = "secure" in attributes and path == "/" and "domain" not in attributes
        if name.startswith("__Host-") and not is_host_cookie:
            return
        seconds = float(attributes.get("max-age") or "inf")
        if attributes.get("expires", "").startswith("Thu, 01 Jan 1970"):
            seconds = 0
        self.cookies[name, path] = (value, self.clock() + seconds)

    def header(self) -> str:
        """Return the value of the `Cookie` header, empty if there is nothing to send."""
        return "; ".join(f"{name}={value}" for name, value in self.items())

    def items(self) -> list[tuple[str, str]]:
        """Return names and values of the cookies that have not ended."""
        now = self.clock()
        return [(name, value) for (name, _), (value, end) in self.cookies.items() if end > now]

    def get(self, name: str) -> str | None:
        return dict(self.items()).get(name)

    def put(self, name: str, value: str) -> None:
        """Plant a cookie."""
        self.cookies[name, "/"] = (value, float("inf"))

    def forget(self, *parts: str) -> None:
        """Lose each cookie whose name contains one of *parts*."""
        for name, path in list(self.cookies):
            if any(part in name for part in parts):
                del self.cookies[name, path]

    @property
    def session_id(self) -> str | None:
        return self.get("session")

    @property
    def login(self) -> tuple[str, str] | None:
        """Name and value of the login cookie."""
        ours = [item for item in self.items() if "altdentifier" in item[0]]
        return next((item for item in ours if "_state_" not in item[0]), None)

    @property
    def login_id(self) -> str | None:
        return self.login and self.login[1]

    @property
    def state_cookies(self) -> list[str]:
        """Names of the state cookies."""
        return [name for name, _ in self.items() if "_state_" in name]
