"""What a request tells of the browser behind it (Fetch Metadata, W3C)."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flask import Request, Response, current_app

#: What need not be percent-encoded in a path (RFC 3986 section 3.3).
PATH_SAFE = "!$&'()*+,/:;=@~"


def wants_html(request: Request) -> bool:
    """Tell whether the answer is shown to a person rather than handed to a program.

    `Sec-Fetch-Mode` knows; browsers that do not send it ask for `text/html`.
    """
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return any(
        kind.partition(";")[0].lower() == "text/html" and q > 0
        for kind, q in request.accept_mimetypes
    )


def is_navigation(request: Request) -> bool:
    """Tell whether this is a visit to a page, which may be led elsewhere and back."""
    return request.method == "GET" and wants_html(request)


def is_prefetch(request: Request) -> bool:
    """Tell whether the browser fetches ahead of a visit that may never come."""
    return "prefetch" in request.headers.get("Sec-Purpose", "")


def is_cross_site(request: Request) -> bool:
    """Tell whether a page of another origin made the browser send this request.

    A request without either header comes from a program, which has no cookies to abuse.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    # Werkzeug takes some names, such as one with an underscore, for no host.
    host = request.host or request.headers.get("Host")
    return origin is not None and (not host or _host(origin) != host)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def send_to(location: str, status: int) -> Response:
    """Return a redirect to *location*, a URL that is percent-encoded already.

    It has no body: Werkzeug's would show the URL, and so the state.
    """
    headers = {"Location": location, "Cache-Control": "no-store"}
    return current_app.response_class(status=status, headers=headers)


def in_app(request: Request, path: str) -> str:
    """Return a path of the app as the browser sees it: below where the app is mounted."""
    mount = quote(request.root_path.strip("/"), safe=PATH_SAFE)
    return f"/{mount}{path}" if mount else path


def here(request: Request) -> str:
    """Return the path and query of this request as the browser sees them, percent-encoded."""
    path = in_app(request, quote(request.path, safe=PATH_SAFE))
    query = quote(request.query_string, safe=PATH_SAFE + "?%")
    return f"{path}?{query}" if query else path
