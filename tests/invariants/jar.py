"""A cookie jar that follows the rules of browsers (RFC 6265bis), for one host on https."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass
class Jar:
    """Cookies by name and path, and when each ends."""

    clock: Callable[[], float] = time.time
    cookies: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)

    def copy(self) -> Jar:
        """Return what a thief takes away."""
        return Jar(self.clock, dict(self.cookies))

    def receive(self, set_cookies: Iterable[str]) -> None:
        """Follow the `Set-Cookie` headers of one response, in their order."""
        for header in set_cookies:
            self._receive(header)

    def _receive(self, header: str) -> None:
        pair, *rest = header.split(";")
        name, _, value = pair.strip().partition("=")
        attributes = {
            key.lower(): text
            for key, _, text in (attribute.strip().partition("=") for attribute in rest)
        }
        path = attributes.get("path", "/")
        if name.startswith("__Host-") and not (
            "secure" in attributes and path == "/" and "domain" not in attributes
        ):
            return  # a browser ignores it
        end = self._end(attributes)
        if end <= self.clock():
            self.cookies.pop((name, path), None)
        else:
            self.cookies[name, path] = (value, end)

    def _end(self, attributes: dict[str, str]) -> float:
        if "max-age" in attributes:
            seconds = int(attributes["max-age"])
            return self.clock() + seconds if seconds > 0 else 0
        if "expires" in attributes:
            return parsedate_to_datetime(attributes["expires"]).timestamp()
        return float("inf")

    def header(self) -> str:
        """Return the value of the `Cookie` header, empty where there is nothing to send."""
        now = self.clock()
        return "; ".join(
            f"{name}={value}" for (name, _), (value, end) in self.cookies.items() if end > now
        )

    def get(self, name: str) -> str | None:
        """Return the value of the cookie *name*."""
        return self.cookies.get((name, "/"), (None, 0.0))[0]

    def put(self, name: str, value: str) -> None:
        """Plant a cookie."""
        self.cookies[name, "/"] = (value, float("inf"))

    def forget(self, *parts: str) -> None:
        """Lose each cookie whose name holds one of *parts*."""
        for name, path in list(self.cookies):
            if any(part in name for part in parts):
                del self.cookies[name, path]

    @property
    def session_id(self) -> str | None:
        """The id of the app's session."""
        return self.get("session")

    @property
    def login_id(self) -> str | None:
        """The value of the login cookie of ours."""
        for (name, _), (value, _end) in self.cookies.items():
            if "altdentifier" in name and "_state_" not in name:
                return value
        return None
