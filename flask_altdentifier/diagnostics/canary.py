"""The canary: logins at a running site, without an account.

Each starts a login, does not visit AltDentifier, and comes back with `error=access_denied`. If the
site answers `access_denied`, then browser, proxy, workers and store carried the login. Otherwise
the responses show which of the known causes broke it.
"""

from __future__ import annotations

import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import SplitResult, parse_qs, quote, urlencode, urljoin, urlsplit

from ..urls import is_loopback
from .browser import Browser, Cookie, Page
from .findings import PROBLEMS, Finding, finding
from .provider import MAX_SKEW, clock_skew
from .public_url import is_below

#: How many logins are tried, and how many at once, so that a second worker is hit.
LOGINS = 20
AT_ONCE = 4
MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}


class _Broken(Exception):
    """A login was not carried. `code` names the cause."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass
class Canary:
    """What some logins at one site showed."""

    url: str
    logins: int = LOGINS
    passed: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """How many logins were tried, and how many came back."""
        return f"{self.passed} of {self.passed + len(self._failures)} logins came back."

    def __post_init__(self) -> None:
        self._failures: list[_Broken] = []
        self._states: set[str] = set()
        self._skews: list[int] = []
        # By name: in how many logins the callback found the session of this cookie.
        self._sessions: Counter[str] = Counter()

    def run(self) -> None:
        """Try the logins. What fails for sure is tried once only."""
        self._try_login()
        is_certain = self._failures and "{count}" not in PROBLEMS[self._failures[0].code].title
        if not is_certain:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda _: self._try_login(), range(self.logins - 1)))
        self.findings = self._conclude()

    def _try_login(self) -> None:
        try:
            self._log_in(Browser())
            self.passed += 1
        except _Broken as broken:
            self._failures.append(broken)
        except ssl.SSLCertVerificationError as error:
            self._fail_to_connect("site-tls", error.verify_message)
        except ssl.SSLError as error:
            self._fail_to_connect("site-tls", str(error.reason))
        except (OSError, HTTPException, ValueError) as error:
            self._fail_to_connect("site-unreachable", f" ({type(error).__name__})")

    def _fail_to_connect(self, code: str, cause: str) -> None:
        self._failures.append(_Broken(code, host=urlsplit(self.url).netloc, cause=cause))

    def _log_in(self, browser: Browser) -> None:
        page, request = _start(browser, self.url)
        self._skews.append(_page_skew(page))
        callback, cookie = _checked_callback(page, request), _state_cookie(page)
        state = request["state"]
        if state in self._states:
            raise _Broken("site-cached", url=page.url._replace(query="").geturl())
        self._states.add(state)
        _check_cookie(page.url, callback, cookie)
        query = urlencode({"error": "access_denied", "state": state})
        separator = "&" if callback.query else "?"
        answer = browser.visit(f"{callback.geturl()}{separator}{query}")
        _judge(answer, cookie)
        changed = {other.name for other in answer.cookies}
        for other in page.cookies:
            if other.name != cookie.name and "httponly" in other.attributes:
                self._sessions[other.name] += other.name in changed

    def _conclude(self) -> list[Finding]:
        counts = Counter(broken.code for broken in self._failures)
        values = {broken.code: broken.values for broken in self._failures}
        total = {"total": self.passed + len(self._failures)}
        found = [finding(c, **{"count": n, **total, **values[c]}) for c, n in counts.items()]
        # A callback that finds the session removes the login from it, so it sets its cookie.
        lost = [self.passed - n for n in self._sessions.values() if 0 < n < self.passed]
        if lost and not found:
            found.append(finding("site-session-private", count=max(lost), **total))
        skew = max(self._skews, key=abs, default=0)
        if abs(skew) > MAX_SKEW:
            found.append(finding("site-clock", seconds=abs(skew)))
        return found


def check_site(url: str) -> Canary:
    """Try logins at the site whose `/login` is below *url*, and return what they showed."""
    canary = Canary(f"{url.rstrip('/').removesuffix('/login')}/login")
    canary.run()
    return canary


def _start(browser: Browser, url: str) -> tuple[Page, dict[str, str]]:
    """Return the page that redirects to AltDentifier, and the query of that redirect."""
    for _ in range(MAX_REDIRECTS):
        page = browser.visit(url)
        location = _split(urljoin(url, page.headers.get("Location", "")))
        if page.status not in _REDIRECTS:
            raise _unexpected(page, "site-no-login")
        request = {name: values[0] for name, values in parse_qs(location.query).items()}
        if {"client_id", "redirect_uri", "state"} <= request.keys():
            if is_loopback(location.hostname or "") and not is_loopback(page.url.hostname or ""):
                raise _Broken("site-sandbox", host=location.netloc)
            return page, request
        _check_redirect(page.url, location)
        url = location.geturl()
    raise _Broken("site-login-elsewhere", url=url, host="itself")


def _split(url: str) -> SplitResult:
    """Return the parts of a URL of the site. Quoted, because people paste fixes into their code."""
    return urlsplit(quote(url, safe="!#$%&'()*+,/:;=?@[]~"))


def _check_redirect(url: SplitResult, location: SplitResult) -> None:
    """Raise unless *location* is on the same site, with or without `www`."""
    if location.scheme == "http" and url.scheme == "https":
        fixed = location._replace(scheme="https").geturl()
        raise _Broken("site-redirect-scheme", uri=location.geturl(), fixed=fixed)
    if _without_www(location.hostname) != _without_www(url.hostname):
        raise _Broken("site-login-elsewhere", url=url.geturl(), host=location.netloc)


def _without_www(host: str | None) -> str:
    return (host or "").removeprefix("www.")


def _unexpected(page: Page, code: str) -> _Broken:
    """Return the cause of a response that is not ours, or *code* if there is no better one."""
    by_status = {401: "site-blocked", 403: "site-blocked", 429: "site-rate-limited"}
    if page.reason == "store_unavailable":
        code = "site-store-down"
    elif page.status in by_status:
        code = by_status[page.status]
    elif page.status == 400 or page.status >= 500:
        code = "site-error"
    return _Broken(code, url=page.url._replace(query="").geturl(), status=page.status)


def _checked_callback(page: Page, request: dict[str, str]) -> SplitResult:
    """Return the redirect URI, to which this browser must send its cookies."""
    url, callback = page.url, _split(request["redirect_uri"])
    fixed = callback._replace(scheme=url.scheme, netloc=url.netloc).geturl()
    host, other = url.hostname or "", callback.hostname or ""
    is_sibling = any(c.domain and c.fits_host(host) and c.fits_host(other) for c in page.cookies)
    if host != other and not is_sibling:
        code = "site-www" if _without_www(host) == _without_www(other) else "site-redirect-host"
        raise _Broken(code, host=host, other=other, fixed=fixed)
    if callback.scheme != url.scheme:
        raise _Broken("site-redirect-scheme", uri=callback.geturl(), fixed=fixed)
    if host == other and _port(callback) != _port(url):
        raise _Broken("site-redirect-host", host=url.netloc, other=callback.netloc, fixed=fixed)
    return callback


def _port(url: SplitResult) -> int:
    return url.port or {"https": 443}.get(url.scheme, 80)


def _state_cookie(page: Page) -> Cookie:
    for cookie in page.cookies:
        if "altdentifier_" in cookie.name and "_state_" in cookie.name and not cookie.is_deleted:
            return cookie
    raise _Broken("site-cookie-missing")


def _check_cookie(url: SplitResult, callback: SplitResult, cookie: Cookie) -> None:
    """Raise if a browser does not send *cookie* to the callback."""
    host = url.hostname or ""
    if "secure" in cookie.attributes and url.scheme == "http":
        raise _Broken("site-cookie-secure")
    if not cookie.fits_host(host):
        raise _Broken("site-cookie-domain", domain=cookie.domain, host=host)
    if not is_below(callback.path, cookie.path):
        raise _Broken("site-cookie-path", path=cookie.path, callback=callback.path)
    if cookie.attributes.get("samesite", "").lower() == "strict":
        raise _Broken("site-cookie-samesite")


def _judge(answer: Page, cookie: Cookie) -> None:
    """Raise unless *answer* shows that the login was carried.

    An app that got the state cookie deletes it, whether or not its store has the login.
    """
    arrived = any(other.name == cookie.name and other.is_deleted for other in answer.cookies)
    if answer.reason == "access_denied":
        return
    if answer.reason == "invalid_state":
        raise _Broken("site-store-private" if arrived else "site-cookie-dropped")
    if arrived and answer.reason is None:
        raise _Broken("site-own-page", status=answer.status)
    raise _unexpected(answer, "site-callback")


def _page_skew(page: Page) -> int:
    """Return how many seconds the proxy's or the app's clock is off, whichever is more."""
    skews = [clock_skew(page.headers.get("Date"))]
    for cookie in page.cookies:
        lifetime, expires = cookie.attributes.get("max-age", ""), cookie.attributes.get("expires")
        if expires is not None and lifetime.isdigit() and not cookie.is_deleted:
            skews.append(clock_skew(expires) - int(lifetime))
    return max(skews, key=abs)
