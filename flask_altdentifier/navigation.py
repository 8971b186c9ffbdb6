"""The kind of a request, which its headers show (W3C Fetch Metadata), and redirects."""

from __future__ import annotations

from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit

from flask import Request, Response, current_app

T = TypeVar("T")

#: Characters that need no percent-encoding in a path (RFC 3986 section 3.3).
_PATH_SAFE = "!$&'()*+,/:;=@~"
_DEFAULT_PORTS = {80, 443}


def wants_html(request: Request) -> bool:
    """Return whether the client accepts HTML, which means that a person reads the response.

    A client that accepts JSON too gets what it prefers (RFC 9110 section 12.5.1).
    `Sec-Fetch-Mode` does not show this, because a service worker fetches pages in mode `cors`.
    """
    html = _accepted_quality(request, "text/html")
    json = _accepted_quality(request, "application/json", "application/problem+json")
    return html > 0 and html >= json


def _accepted_quality(request: Request, *types: str) -> float:
    """Return the highest quality of *types* in `Accept`, 0 if it names none of them."""
    return max(
        (
            quality
            for mimetype, quality in request.accept_mimetypes
            if mimetype.partition(";")[0].lower() in types
        ),
        default=0,
    )


def is_navigation(request: Request) -> bool:
    """Return whether a browser navigates to a page, so that it can follow redirects and return."""
    if request.method != "GET":
        return False
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    # Browsers do not send Sec-Fetch-Mode on plain http.
    accepts_html = _accepted_quality(request, "text/html") > 0
    return accepts_html and "X-Requested-With" not in request.headers


def is_script_request(request: Request) -> bool:
    """Return whether a script, not a page navigation, sent this request."""
    return request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def is_prefetch(request: Request) -> bool:
    """Return whether the browser prefetches a page that the user may never visit."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return "prefetch" in purpose.lower()


def is_cross_origin(request: Request) -> bool:
    """Return whether a page of another origin made the browser send this request.

    A request with neither header comes from a program, which has no cookies to abuse. Pages of this
    site send `Origin: null` if they set `Referrer-Policy: no-referrer`.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin", "null")
    if origin == "null":
        return False
    # Werkzeug returns no host for some names, such as a name with an underscore.
    host = request.host or request.headers.get("Host", "")
    return _host_and_port(origin) != _host_and_port(f"{request.scheme}://{host}")


def _host_and_port(origin: str) -> tuple[str, int | None] | None:
    """Return the parts of an origin to compare. The scheme may differ behind a proxy."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    return (parts.hostname or "", None if port in _DEFAULT_PORTS else port)


def redirect(location: str, status: int) -> Response:
    """Return a redirect to *location*, a percent-encoded URL.

    It has no body, because Werkzeug's body would repeat the URL and the OAuth state in it.
    """
    headers = {"Location": location, "Cache-Control": "no-store"}
    # Hypercorn's WSGI mode answers 500 to an empty iterable, but not to an empty byte string.
    return current_app.response_class(b"", status=status, headers=headers)


def with_script_root(request: Request, path: str) -> str:
    """Return a path of the app as the browser sees it: below the path of the app's mount point."""
    # A proxy's X-Forwarded-Prefix may start with "//", which a browser reads as another host.
    root = quote(request.root_path.strip("/"), safe=_PATH_SAFE)
    return f"/{root}{path}" if root else path


def current_path(request: Request) -> str:
    """Return the path and query of this request as the browser sees them, percent-encoded."""
    path = with_script_root(request, quote(request.path, safe=_PATH_SAFE))
    query = quote(request.query_string, safe=_PATH_SAFE + "?%")
    return f"{path}?{query}" if query else path


def without_proxy(proxy: T) -> T:
    """Return the object behind `flask.request` or `flask.session`.

    Each access through such a proxy takes a microsecond, and `/login` has a dozen.
    """
    local: Any = proxy
    return cast("T", local._get_current_object())  # noqa: SLF001
