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

from ..urls import is_loopback
from .browser import Browser
from .findings import Finding, finding
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
#: Problems that one login can have and the next one not, because another worker answers it.
_BY_CHANCE = {"site-cookie-dropped", "site-store-private"}


@dataclass
class Login:
    """One test login, and what it showed until it ended."""

    #: The problem that ended it, or None if it came back.
    problem: SiteProblem | None = None
    #: Problems with which it could go on.
    notes: list[SiteProblem] = field(default_factory=list)
    #: Where it started, without the query, and its OAuth state.
    url: str = ""
    state: str = ""
    #: By name of a session cookie: whether the callback found the session.
    sessions: dict[str, bool] = field(default_factory=dict)


def try_login(url: str) -> Login:
    """Log in at *url*, and return what that showed."""
    login = Login()
    try:
        _log_in(login, Browser(), url)
    except SiteProblem as problem:
        login.problem = problem
    except ssl.SSLError as error:
        cause = getattr(error, "verify_message", "") or error.reason
        login.problem = SiteProblem("site-tls", host=urlsplit(url).netloc, cause=cause)
    except (OSError, HTTPException, ValueError) as error:
        host, cause = urlsplit(url).netloc, type(error).__name__
        login.problem = SiteProblem("site-unreachable", host=host, cause=cause)
    return login


def _log_in(login: Login, browser: Browser, url: str) -> None:
    page, location, query = follow_login(browser, url)
    login.url, login.state = page.url._replace(query="").geturl(), query["state"]
    is_public = not is_loopback(page.url.hostname or "")
    if is_public and is_loopback(location.hostname or ""):
        login.notes.append(SiteProblem("site-sandbox", host=location.netloc))
    skew = abs(page_skew(page))
    if skew > MAX_SKEW:
        login.notes.append(SiteProblem("site-clock", seconds=skew))
    callback, state_cookie = find_callback(page, query["redirect_uri"]), find_state_cookie(page)
    check_cookie(page.url, callback, state_cookie)
    if is_public and callback.scheme == "http":
        login.notes.append(SiteProblem("site-http"))
    answer = deny_access(browser, callback, login.state)
    check_answer(answer, state_cookie)
    # A callback that finds the session removes the pending login from it, so it sets the cookie.
    changed = {cookie.name for cookie in answer.cookies}
    for cookie in page.cookies:
        if cookie.name != state_cookie.name and "httponly" in cookie.attributes:
            login.sessions[cookie.name] = cookie.name in changed


class Canary:
    """The results of the test logins at one site."""

    def __init__(self, logins: list[Login]) -> None:
        self._logins = logins
        states = Counter(login.state for login in logins if login.state)
        for login in logins:
            if states[login.state] > 1:
                login.problem = SiteProblem("site-cached", url=login.url)
        self._problems = [login.problem for login in logins if login.problem is not None]

    @property
    def passed(self) -> int:
        """The number of logins that came back."""
        return len(self._logins) - len(self._problems)

    @property
    def is_complete(self) -> bool:
        """Whether every login came back."""
        return not self._problems

    @property
    def summary(self) -> str:
        """How many logins came back, of how many."""
        return f"{self.passed} of {len(self._logins)} logins came back."

    @property
    def findings(self) -> list[Finding]:
        """The problems of the site."""
        total, counts = len(self._logins), Counter(problem.code for problem in self._problems)
        values = {problem.code: problem.values for problem in self._problems}
        found = [finding(code, count=counts[code], total=total, **values[code]) for code in values]
        cookies = {name for login in self._logins for name in login.sessions}
        lost = max(map(self._count_lost, cookies), default=0)
        if lost and not found:
            found.append(finding("site-session-private", count=lost, total=total))
        notes = {note.code: note.values for login in self._logins for note in login.notes}
        return found + [finding(code, **values) for code, values in notes.items()]

    def _count_lost(self, name: str) -> int:
        """Return how many callbacks did not find the session of the cookie *name*.

        Returns 0 if none found it, because then the cookie is not of a session.
        """
        found = [login.sessions.get(name, False) for login in self._logins]
        return found.count(False) if any(found) else 0


def check_site(url: str) -> Canary:
    """Run test logins at the site whose `/login` is below *url*, and return the results.

    Stops after the first one if its problem does not depend on chance.
    """
    url = f"{url.rstrip('/').removesuffix('/login')}/login"
    first = try_login(url)
    if first.problem is not None and first.problem.code not in _BY_CHANCE:
        return Canary([first])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Canary([first, *pool.map(try_login, [url] * (LOGINS - 1))])
