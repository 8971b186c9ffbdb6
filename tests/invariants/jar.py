"""A cookie jar that follows the rules of browsers (RFC 6265bis), for one host on https."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class Jar:
    """Cookies by name, and when each ends."""

    clock: Callable[[], float] = time.time
    cookies: dict[str, tuple[str, float]] = field(default_factory=dict)

    def copy(self) -> Jar:
        """Return a copy, as a thief takes it."""
        return Jar(self.clock, dict(self.cookies))

    def receive(self, set_cookies: Iterable[str]) -> None:
        """Follow the `Set-Cookie` headers of one response, in their order."""
        for header in set_cookies:
            (name, value), *rest = [part.strip().partition("=")[::2] for part in header.split(";")]
            attributes = {key.lower(): text for key, text in rest}
            assert attributes["path"] == "/"
            assert "domain" not in attributes
            assert "secure" in attributes or not name.startswith("__Host-")
            seconds = float(attributes.get("max-age") or "inf")
            self.put(name, value, seconds)

    def put(self, name: str, value: str, seconds: float = float("inf")) -> None:
        self.cookies[name] = (value, self.clock() + seconds)

    def items(self) -> list[tuple[str, str]]:
        """Return names and values of the cookies that have not ended."""
        now = self.clock()
        return [(name, value) for name, (value, end) in self.cookies.items() if end > now]

    def header(self) -> str:
        """Return the value of the `Cookie` header, empty if there is nothing to send."""
        return "; ".join(f"{name}={value}" for name, value in self.items())

    def get(self, name: str) -> str | None:
        return dict(self.items()).get(name)

    def forget(self, part: str) -> None:
        """Lose each cookie whose name contains *part*."""
        self.cookies = {name: kept for name, kept in self.cookies.items() if part not in name}

    @property
    def session_id(self) -> str | None:
        return self.get("session")

    @property
    def login_id(self) -> str | None:
        ours = [item for item in self.items() if "altdentifier" in item[0]]
        return next((value for name, value in ours if "_state_" not in name), None)

    @property
    def state_cookies(self) -> list[str]:
        """Names of the state cookies."""
        return [name for name, _ in self.items() if "_state_" in name]
