"""One login at a running site: the steps of a browser, and the checks after each step."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urljoin, urlsplit

from .browser import Browser, Cookie, Page, path_matches
from .provider import clock_skew

MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}


class SiteProblem(Exception):
    """A login at the site does not work. `code` is the code of the finding."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def follow_login(browser: Browser, url: str) -> tuple[Page, SplitResult, dict[str, str]]:
    """Return the response that redirects to AltDentifier, that location, and its query."""
    for _ in range(MAX_REDIRECTS):
        page = browser.visit(url)
        if page.status not in _REDIRECTS:
            raise _unexpected(page, "site-no-login")
        target = page.headers.get("Location", "")
        location = _split(target, url)
        if location is None:
            raise SiteProblem("site-login-elsewhere", url=url, host=target)
        query = {name: values[0] for name, values in parse_qs(location.query).items()}
        if {"client_id", "redirect_uri", "state"} <= query.keys():
            return page, location, query
        _check_redirect(page.url, location)
        url = location.geturl()
    raise SiteProblem("site-login-elsewhere", url=url, host="itself")


def _split(url: str, base: str = "") -> SplitResult | None:
    """Return the parts of a URL of the site, or None if it is malformed.

    Quotes the URL, because a fix can be a line of code.
    """
    try:
        parts = urlsplit(quote(urljoin(base, url), safe="!#$%&'()*+,/:;=?@[]~"))
        _ = parts.port  # raises ValueError if it is out of range
    except ValueError:
        return None
    return parts


def _check_redirect(url: SplitResult, location: SplitResult) -> None:
    """Raise `SiteProblem` if *location* is on another site. `www` makes no difference."""
    if location.scheme == "http" and url.scheme == "https":
        fix = f"Make this redirect go to {location._replace(scheme='https').geturl()}"
        raise _other_scheme(url, location, fix)
    if _without_www(location.hostname) != _without_www(url.hostname):
        raise SiteProblem("site-login-elsewhere", url=url.geturl(), host=location.netloc)


def _without_www(host: str | None) -> str:
    return (host or "").removeprefix("www.")


def _unexpected(page: Page, code: str) -> SiteProblem:
    """Return the problem of a *page* that is not the app's response, by default *code*."""
    if page.reason == "store_unavailable":
        code = "site-store-down"
    elif page.status in {401, 403, 429}:
        code = "site-blocked"
    elif page.status == 400 or page.status >= 500:
        code = "site-error"
    return SiteProblem(code, url=_without_query(page.url), status=_status(page))


def _status(page: Page) -> str:
    """Return the status of *page*, and where it redirects to."""
    location = page.headers.get("Location")
    if location is None:
        return str(page.status)
    target = _split(location, page.url.geturl())
    return f"{page.status} to {location if target is None else _without_query(target)}"


def _without_query(url: SplitResult) -> str:
    return url._replace(query="").geturl()


def find_callback(page: Page, redirect_uri: str) -> SplitResult:
    """Return *redirect_uri*. Raises `SiteProblem` if a browser sends no cookie of *page* there."""
    url, callback = page.url, _split(redirect_uri)
    if callback is None:
        raise SiteProblem("site-callback", url=redirect_uri, status="malformed")
    scheme = "https" if "https" in {url.scheme, callback.scheme} else "http"
    fixed = callback._replace(scheme=scheme, netloc=url.netloc).geturl()
    host, other = url.hostname or "", callback.hostname or ""
    # Cookies of a parent domain reach both hosts.
    shared = [c for c in page.cookies if c.domain and c.can_be_set_by(host)]
    if host != other and not any(cookie.can_be_set_by(other) for cookie in shared):
        code = "site-www" if _without_www(host) == _without_www(other) else "site-redirect-host"
        raise SiteProblem(code, host=host, other=other, fixed=fixed)
    if callback.scheme != url.scheme:
        # The proxy does not forward the scheme to the app.
        fix = f'ALTDENTIFIER_REDIRECT_URI = "{fixed}"'
        if url.scheme == "http":
            fix = f"Redirect all of http://{url.netloc} to https in the proxy."
        raise _other_scheme(url, callback, fix)
    if host == other and _port(callback) != _port(url):
        raise SiteProblem("site-redirect-host", host=url.netloc, other=callback.netloc, fixed=fixed)
    return callback


def _other_scheme(url: SplitResult, target: SplitResult, fix: str) -> SiteProblem:
    """Return the problem of a login that leads from *url* to *target*, which has another scheme."""
    code = "site-redirect-scheme"
    return SiteProblem(code, url=_without_query(url), uri=target.geturl(), fix=fix)


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def find_state_cookie(page: Page) -> Cookie:
    """Return the state cookie that *page* sets. Raises `SiteProblem` if it sets none."""
    for cookie in page.cookies:
        if "altdentifier_" in cookie.name and "_state_" in cookie.name and not cookie.is_deleted:
            return cookie
    raise SiteProblem("site-cookie-missing")


def check_cookie(url: SplitResult, callback: SplitResult, cookie: Cookie) -> None:
    """Raise `SiteProblem` if a browser does not send *cookie* from *url* to *callback*."""
    host = url.hostname or ""
    if "secure" in cookie.attributes and url.scheme == "http":
        raise SiteProblem("site-cookie-secure")
    if not cookie.can_be_set_by(host):
        raise SiteProblem("site-cookie-domain", domain=cookie.domain, host=host)
    if not path_matches(callback.path, cookie.path):
        raise SiteProblem("site-cookie-path", path=cookie.path, callback=callback.path)
    if cookie.attributes.get("samesite", "").lower() == "strict":
        raise SiteProblem("site-cookie-samesite")


def deny_access(browser: Browser, callback: SplitResult, state: str) -> Page:
    """Return the response of the callback to an authorization response with `access_denied`."""
    query = urlencode({"error": "access_denied", "state": state})
    separator = "&" if callback.query else "?"
    return browser.visit(f"{callback.geturl()}{separator}{query}")


def check_answer(answer: Page, cookie: Cookie) -> None:
    """Raise `SiteProblem` if the callback's *answer* is not `access_denied`."""
    if answer.reason == "access_denied":
        return
    # An app that gets the state cookie deletes it, even if its store does not have the login.
    arrived = any(other.name == cookie.name and other.is_deleted for other in answer.cookies)
    if answer.reason == "invalid_state":
        raise SiteProblem("site-store-private" if arrived else "site-cookie-dropped")
    if arrived and answer.reason is None:
        raise SiteProblem("site-own-page", status=answer.status)
    raise _unexpected(answer, "site-callback")


def page_skew(page: Page) -> int:
    """Return the larger clock skew of the proxy and the app, in seconds."""
    skews = [clock_skew(page.headers.get("Date"))]
    for cookie in page.cookies:
        lifetime, expires = cookie.attributes.get("max-age", ""), cookie.attributes.get("expires")
        # isdigit() accepts more than int() does.
        is_number = re.fullmatch(r"[0-9]{1,9}", lifetime)
        if expires is not None and is_number and not cookie.is_deleted:
            skews.append(clock_skew(expires) - int(lifetime))
    return max(skews, key=abs)
