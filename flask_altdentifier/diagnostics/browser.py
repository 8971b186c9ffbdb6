"""A small browser for the canary, with the cookie rules of real browsers."""

from __future__ import annotations

import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPMessage
from importlib.metadata import version
from typing import Any
from urllib.parse import SplitResult, urlsplit

from .public_url import is_below

#: Seconds that the site has for one response.
TIMEOUT = 10.0
#: Seconds between connecting and sending. They keep the worker of the connection busy, so that the
#: next connection reaches another worker. Otherwise one idle worker would accept all connections.
HOLD = 0.02
#: Most bytes of a body that are read.
MAX_BODY = 64 * 1024


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

    def fits_host(self, host: str) -> bool:
        """Return whether a browser accepts this cookie from *host*."""
        if not self.domain:
            return True
        return host == self.domain or ("." in self.domain and host.endswith(f".{self.domain}"))


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
        self._cookies: list[tuple[str, Cookie]] = []

    def visit(self, url: str) -> Page:
        """Return the page at *url* over a fresh connection. Redirects are not followed.

        Raises `OSError` or `http.client.HTTPException` if there is no response.
        """
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=TIMEOUT)
        try:
            connection.sock = _connect(parts)
            target = parts._replace(scheme="", netloc="", path=parts.path or "/", fragment="")
            connection.request("GET", target.geturl(), headers=self._headers(parts))
            response = connection.getresponse()
            page = Page(parts, response.status, response.headers, response.read(MAX_BODY))
        finally:
            connection.close()
        self._cookies += [(parts.hostname or "", cookie) for cookie in page.cookies]
        return page

    def _headers(self, url: SplitResult) -> dict[str, str]:
        headers = {
            "Accept": "application/problem+json, application/json;q=0.9",
            "Connection": "close",
            "Sec-Fetch-Mode": "navigate",
            "User-Agent": f"flask-altdentifier/{version('flask-altdentifier')} (check --site)",
        }
        sent = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies_for(url))
        return {**headers, "Cookie": sent} if sent else headers

    def _cookies_for(self, url: SplitResult) -> list[Cookie]:
        host = url.hostname or ""
        return [
            cookie
            for origin, cookie in self._cookies
            if (cookie.fits_host(host) if cookie.domain else origin == host)
            and cookie.fits_host(origin)
            and is_below(url.path or "/", cookie.path)
            and ("secure" not in cookie.attributes or url.scheme == "https")
        ]


def _connect(url: SplitResult) -> socket.socket:
    host, is_https = url.hostname or "", url.scheme == "https"
    connection = socket.create_connection((host, url.port or (443 if is_https else 80)), TIMEOUT)
    time.sleep(HOLD)
    if not is_https:
        return connection
    try:
        return _tls_context().wrap_socket(connection, server_hostname=host)
    except OSError:
        connection.close()
        raise


@cache
def _tls_context() -> ssl.SSLContext:
    return ssl.create_default_context()
