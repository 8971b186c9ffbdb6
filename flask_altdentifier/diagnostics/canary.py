"""The canary: test logins at a running site, without an account.

Each one starts a login, skips AltDentifier, and requests the callback with `error=access_denied`.
If the site answers `access_denied`, then browser, proxy, workers and store work together. Otherwise
the responses show which of the known problems the site has.
"""

from __future__ import annotations

import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urlsplit

from .browser import Browser, Cookie, Page
from .findings import PROBLEMS, Finding, finding
from .provider import MAX_SKEW
from .site_login import (
    SiteProblem,
    check_answer,
    check_cookie,
    deny_access,
    find_callback,
    find_state_cookie,
    follow_login,
    page_skew,
)

#: Number of logins, and how many of them run at once, so that they reach several workers.
LOGINS = 20
AT_ONCE = 4


@dataclass
class Canary:
    """Test logins at one site, and their results."""

    url: str
    #: Whether logins may go to a sandbox.
    allow_sandbox: bool = False
    logins: int = LOGINS
    passed: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """How many logins worked, of how many."""
        return f"{self.passed} of {self.passed + len(self._failures)} logins came back."

    @property
    def is_complete(self) -> bool:
        """Whether every login that was tried came back."""
        return not self._failures

    def __post_init__(self) -> None:
        self._failures: list[SiteProblem] = []
        self._states: set[str] = set()
        self._skews: list[int] = []
        # By name of a session cookie: the number of logins whose callback has found the session.
        self._sessions: Counter[str] = Counter()

    def run(self) -> None:
        """Run the logins. Stop after the first one if its problem does not depend on chance."""
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
        except SiteProblem as problem:
            self._failures.append(problem)
        except ssl.SSLCertVerificationError as error:
            self._fail_to_connect("site-tls", error.verify_message)
        except ssl.SSLError as error:
            self._fail_to_connect("site-tls", str(error.reason))
        except (OSError, HTTPException, ValueError) as error:
            self._fail_to_connect("site-unreachable", f" ({type(error).__name__})")

    def _fail_to_connect(self, code: str, cause: str) -> None:
        self._failures.append(SiteProblem(code, host=urlsplit(self.url).netloc, cause=cause))

    def _log_in(self, browser: Browser) -> None:
        page, query = follow_login(browser, self.url, allow_sandbox=self.allow_sandbox)
        self._skews.append(page_skew(page))
        callback, cookie = find_callback(page, query["redirect_uri"]), find_state_cookie(page)
        self._check_state_is_new(page, query["state"])
        check_cookie(page.url, callback, cookie)
        answer = deny_access(browser, callback, query["state"])
        check_answer(answer, cookie)
        self._count_sessions(page, answer, cookie)

    def _check_state_is_new(self, page: Page, state: str) -> None:
        if state in self._states:
            raise SiteProblem("site-cached", url=page.url._replace(query="").geturl())
        self._states.add(state)

    def _count_sessions(self, page: Page, answer: Page, state_cookie: Cookie) -> None:
        """Count the session cookies of *page* that the callback has changed.

        A callback that finds the session removes the pending login from it, so it sets the cookie.
        """
        changed = {cookie.name for cookie in answer.cookies}
        for cookie in page.cookies:
            if cookie.name != state_cookie.name and "httponly" in cookie.attributes:
                self._sessions[cookie.name] += cookie.name in changed

    def _conclude(self) -> list[Finding]:
        counts = Counter(problem.code for problem in self._failures)
        values = {problem.code: problem.values for problem in self._failures}
        total = {"total": self.passed + len(self._failures)}
        found = [finding(c, **{"count": n, **total, **values[c]}) for c, n in counts.items()]
        lost = [self.passed - n for n in self._sessions.values() if 0 < n < self.passed]
        if lost and not found:
            found.append(finding("site-session-private", count=max(lost), **total))
        skew = max(self._skews, key=abs, default=0)
        if abs(skew) > MAX_SKEW:
            found.append(finding("site-clock", seconds=abs(skew)))
        return found


def check_site(url: str, *, allow_sandbox: bool = False) -> Canary:
    """Run test logins at the site whose `/login` is below *url*, and return the results."""
    canary = Canary(f"{url.rstrip('/').removesuffix('/login')}/login", allow_sandbox)
    canary.run()
    return canary
