"""A small browser for the canary, with the cookie rules of real browsers."""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ..http.transport import user_agent

#: Seconds that the site has for one response.
TIMEOUT = 10.0
#: Seconds between connecting and sending. They keep the worker of the connection busy, so that the
#: next connection reaches another worker. Otherwise one idle worker would accept all connections.
HOLD = 0.02
#: Most bytes of a body that are read.
MAX_BODY = 64 * 1024


def path_matches(path: str, cookie_path: str) -> bool:
    """Return whether a cookie for *cookie_path* is sent to *path* (RFC 6265 section 5.1.4)."""
    return path == cookie_path or path.startswith(cookie_path.rstrip("/") + "/")


def domain_matches(host: str, domain: str) -> bool:
    """Return whether a cookie for *domain* is sent to *host* (RFC 6265 section 5.1.3)."""
    return host == domain or host.endswith("." + domain)


@dataclass(frozen=True)
class Cookie:
    """A cookie of a `Set-Cookie` header (RFC 6265bis section 4.1)."""

    name: str
    value: str = field(repr=False)
    #: By lower-case name. Flags have an empty value.
    attributes: dict[str, str]

    @classmethod
    def parse(cls, header: str) -> Cookie:
        """Return the cookie of a Set-Cookie header."""
        pair, *rest = header.split(";")
        name, _, value = pair.strip().partition("=")
        attributes = (part.strip().partition("=") for part in rest)
        return cls(name, value, {key.lower(): text for key, _, text in attributes})

    @property
    def path(self) -> str:
        """The path of the cookie."""
        return self.attributes.get("path") or "/"

    @property
    def domain(self) -> str:
        """The domain of the cookie, empty if it is for one host only."""
        return self.attributes.get("domain", "").lstrip(".").lower()

    @property
    def is_deleted(self) -> bool:
        """Whether the header deletes the cookie."""
        return not self.value or self.attributes.get("max-age") == "0"

    def can_be_set_by(self, host: str) -> bool:
        """Return whether a browser accepts this cookie from *host*."""
        if not self.domain or host == self.domain:
            return True
        is_suffix = "." not in self.domain  # such as "com"
        return not is_suffix and domain_matches(host, self.domain)

    def is_sent_to(self, url: SplitResult, origin: str) -> bool:
        """Return whether a browser sends this cookie of the host *origin* to *url*."""
        host = url.hostname or ""
        return (
            not self.is_deleted
            and (domain_matches(host, self.domain) if self.domain else host == origin)
            and path_matches(url.path or "/", self.path)
            and (url.scheme == "https" or "secure" not in self.attributes)
        )


@dataclass(frozen=True)
class Page:
    """One response."""

    url: SplitResult
    status: int
    headers: HTTPMessage
    body: bytes = field(repr=False)

    @property
    def cookies(self) -> list[Cookie]:
        """The cookies that the response sets or deletes."""
        return [Cookie.parse(header) for header in self.headers.get_all("Set-Cookie", [])]

    @property
    def reason(self) -> str | None:
        """The `reason` in the extension's problem+json, or None for any other response."""
        try:
            members: Any = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        reason = members.get("reason") if isinstance(members, dict) else None
        return reason if isinstance(reason, str) else None


class Browser:
    """The cookies of one visitor."""

    def __init__(self) -> None:
        #: Each with the host that set it, by name, domain or host, and path.
        self._cookies: dict[tuple[str, str, str], tuple[Cookie, str]] = {}

    def visit(self, url: str) -> Page:
        """Return the page at *url* over a fresh connection. Redirects are not followed.

        Raises `OSError` or `http.client.HTTPException` if there is no response.
        """
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=TIMEOUT)
        if parts.scheme == "https":
            connection = HTTPSConnection(parts.netloc, timeout=TIMEOUT, context=_tls_context())
        try:
            connection.connect()
            time.sleep(HOLD)
            target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="")
            connection.request("GET", target.geturl(), headers=self._headers(parts))
            response = connection.getresponse()
            page = Page(parts, response.status, response.headers, response.read(MAX_BODY))
        finally:
            connection.close()
        host = parts.hostname or ""
        for cookie in page.cookies:
            if cookie.can_be_set_by(host):
                self._cookies[cookie.name, cookie.domain or host, cookie.path] = cookie, host
        return page

    def _headers(self, url: SplitResult) -> dict[str, str]:
        sent = [cookie for cookie, host in self._cookies.values() if cookie.is_sent_to(url, host)]
        headers = {
            "Accept": "application/problem+json, application/json;q=0.9",
            "Connection": "close",
            "Sec-Fetch-Mode": "navigate",
            "User-Agent": f"{user_agent()} (check --site)",
        }
        if sent:
            headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in sent)
        return headers


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()
