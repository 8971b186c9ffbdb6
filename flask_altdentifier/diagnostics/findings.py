"""The one table of all problems that `flask altdentifier check` can find.

The docs' table, `--ignore` and the tests derive from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple, TypeAlias

#: The page of the docs that has one anchor for each code.
DOCS_URL = "https://flask-altdentifier.readthedocs.io/en/latest/check.html"
REDIS_STORE = 'ALTDENTIFIER_STORE = "redis://HOST:6379/0"'
Level = Literal["error", "warning"]


class Problem(NamedTuple):
    """A problem with its texts, which have placeholders for the values of one app."""

    level: Level
    title: str
    why: str
    fix: str


def _error(title: str, why: str, fix: str) -> Problem:
    return Problem("error", title, why, fix)


def _warning(title: str, why: str, fix: str) -> Problem:
    return Problem("warning", title, why, fix)


#: By code. If a fix is a line of config, it starts with the key, so that tests can apply it.
PROBLEMS: dict[str, Problem] = {
    # The app
    "app-not-loaded": _error(
        "The app cannot be loaded: {error}",
        "A server cannot load it either.",
        "{fix}",
    ),
    "blueprint-missing": _error(
        "The app does not register the blueprint.",
        "Without it there is no /login and no /callback.",
        "app.register_blueprint(flask_altdentifier.blueprint)",
    ),
    "config-invalid": _error("{error}", "The app does not start.", "{fix}"),
    "config-late": _warning(
        "{key} was changed after the blueprint was registered.",
        "The config is read once, at registration, so the change has no effect.",
        "app.register_blueprint(blueprint)  # below the line that sets {key}",
    ),
    "environment-unused": _warning(
        "{name} is set in the environment, but the app does not use it.",
        "Only app.config.from_prefixed_env() reads it, and only names that begin with FLASK_.",
        "Set FLASK_{key}, and call app.config.from_prefixed_env() above register_blueprint().",
    ),
    "unknown-key": _warning(
        "{key} is not a config key of this extension.",
        "Nothing reads it, so the default is used instead.",
        "{fix}",
    ),
    "placeholder": _error(
        "{key} looks like a placeholder.",
        "AltDentifier knows only the credentials on your application's page.",
        '{key} = "..."  # copy it from your application\'s page',
    ),
    "scope-unknown": _error(
        "{owner} has the scope {scope!r}, which AltDentifier does not document.",
        "AltDentifier may refuse the login, or may never grant the scope.",
        "{fix}",
    ),
    # Production
    "development-mode": _error(
        "{mode} is on in production.",
        "Debug mode shows code and values to visitors. Testing mode keeps logins in memory.",
        "{fix}",
    ),
    "sandbox-url": _error(
        "ALTDENTIFIER_BASE_URL is {url}, a sandbox on this machine.",
        "Visitors cannot reach it, and it checks no accounts.",
        'ALTDENTIFIER_BASE_URL = "https://altdentifier.com"',
    ),
    "redirect-uri-missing": _error(
        "ALTDENTIFIER_REDIRECT_URI is missing: {evidence}, and no ProxyFix is applied.",
        "Behind a proxy, the app sees http or an internal host, which AltDentifier does not know.",
        'ALTDENTIFIER_REDIRECT_URI = "{uri}"',
    ),
    # The public URL and the cookies
    "redirect-path": _error(
        "The path of ALTDENTIFIER_REDIRECT_URI is {path}, but the callback is {callback}.",
        "AltDentifier redirects the browser to a page that is not the callback.",
        'ALTDENTIFIER_REDIRECT_URI = "{uri}"',
    ),
    "redirect-prefix": _warning(
        "ALTDENTIFIER_REDIRECT_URI has the prefix {prefix}, but the callback is {callback}.",
        "The callback is a 404, unless a proxy or server removes the prefix.",
        'ALTDENTIFIER_REDIRECT_URI = "{uri}"  # or, behind a proxy: ProxyFix(..., x_prefix=1)',
    ),
    "redirect-http": _error(
        "ALTDENTIFIER_REDIRECT_URI is not a public https URL.",
        "On plain http, others on the network can read the code of each login.",
        'ALTDENTIFIER_REDIRECT_URI = "{uri}"',
    ),
    "redirect-host": _warning(
        "Logins return to {host}, but the app is served on {served}.",
        "Browsers do not send one host's cookies to another, not even localhost's to 127.0.0.1.",
        "{fix}",
    ),
    "trusted-hosts": _error(
        "Logins return to {host}, which is not in TRUSTED_HOSTS.",
        "The app answers 400 to every callback.",
        "TRUSTED_HOSTS = {hosts}",
    ),
    "cookie-path": _error(
        "The callback is not below {path}, the path of the cookies.",
        "The browser does not send the state cookie to the callback.",
        'SESSION_COOKIE_PATH = "/"',
    ),
    "cookie-domain": _error(
        "SESSION_COOKIE_DOMAIN is {domain}, but logins return to {host}.",
        "Browsers refuse a cookie for another domain, so no login can finish.",
        "SESSION_COOKIE_DOMAIN = None",
    ),
    "session-secure": _error(
        "SESSION_COOKIE_SECURE is off.",
        "Browsers send the session cookie over plain http too, where others can read it.",
        "SESSION_COOKIE_SECURE = True",
    ),
    "session-secure-http": _warning(
        "SESSION_COOKIE_SECURE is on, but the redirect URI is http.",
        "Some browsers refuse Secure cookies on http, even on localhost.",
        "SESSION_COOKIE_SECURE = False  # on this machine only",
    ),
    "session-samesite": _warning(
        'SESSION_COOKIE_SAMESITE is "Strict".',
        "After the redirect from AltDentifier, the browser does not send its session cookie.",
        'SESSION_COOKIE_SAMESITE = "Lax"',
    ),
    "session-cookie-refused": _error(
        "Browsers refuse the session cookie: {cause}",
        "Every page starts an empty session.",
        "{fix}",
    ),
    "session-httponly": _warning(
        "SESSION_COOKIE_HTTPONLY is off.",
        "Any script in a page can read the session cookie.",
        "SESSION_COOKIE_HTTPONLY = True",
    ),
    "session-cookies": _error(
        "Sessions are Flask's signed cookies: {cause}",
        "A browser can send an old session cookie again, so /login raises ConfigError.",
        "{fix}",
    ),
    "session-id": _error(
        "The session interface {name} has no regenerate(session).",
        "The session ID does not change at login, which allows session fixation.",
        "flask_session.Session(app)  # or remove your own session interface",
    ),
    # Views
    "guard-above-route": _error(
        "@requires_scope does not guard the endpoint {endpoint!r}.",
        "It is above the route decorator, so everybody can see the page.",
        "@app.route(...)  # above @requires_scope(...), at {place}",
    ),
    "callback-redirected": _error(
        "A before_request hook redirects the callback to {path}.",
        "No login can finish: the browser goes back and forth until it gives up.",
        "flask_altdentifier.protect(app)  # instead of the hook. Mark open views with @public",
    ),
    "cache-above-guard": _error(
        "The cache decorator is above the guard of the endpoint {endpoint!r}.",
        "The page of one visitor is shown to everybody.",
        "@requires_scope(...)  # above @cache.cached(...), whose key must name the visitor",
    ),
    "webhook-unused": _warning(
        "ALTDENTIFIER_WEBHOOK_SECRET is set, but webhooks.blueprint is not registered.",
        "The app answers 404 to AltDentifier's events.",
        "app.register_blueprint(flask_altdentifier.webhooks.blueprint)",
    ),
    # The store
    "store-config": _error("{error}", "/login raises ConfigError.", REDIS_STORE),
    "store-down": _error(
        "The store does not work: {cause}",
        "Every new login gets a 503, if the workers run as the user of this command.",
        "{fix}",
    ),
    "store-memory": _warning(
        "Logins are kept in the memory of one process.",
        "With several workers most logins fail, and a restart ends them all.",
        REDIS_STORE,
    ),
    "store-one-machine": _warning(
        "Logins are kept in a file, but {variable} shows a platform with several machines.",
        "A login on one machine is unknown to the others, and a new release ends them all.",
        REDIS_STORE,
    ),
    "store-network": _warning(
        "The SQLite file {path} is on a network file system ({kind}).",
        "SQLite's write-ahead log does not work there. Logins get lost, and the file can break.",
        REDIS_STORE,
    ),
    "redis-eviction": _warning(
        "Redis is set to maxmemory-policy {policy}.",
        "When its memory is full, Redis deletes logins that are still in use.",
        "redis-cli CONFIG SET maxmemory-policy noeviction",
    ),
    "redis-timeout": _warning(
        "The Redis client of {key} waits more than two seconds for its server.",
        "If Redis hangs, requests pile up until no worker is free.",
        "{key} = Redis(..., socket_timeout=0.5, socket_connect_timeout=0.5)",
    ),
    "sessions-unreachable": _error(
        "The session server does not return what was written to it: {cause}",
        "Every page that uses the session gets a 500, and so does /login.",
        "Start the server of SESSION_TYPE, or remove SESSION_TYPE.",
    ),
    # AltDentifier
    "client-id": _error(
        "AltDentifier does not know ALTDENTIFIER_CLIENT_ID (404).",
        "Visitors see its error page instead of the consent page.",
        'ALTDENTIFIER_CLIENT_ID = "..."  # copy it from your application\'s page',
    ),
    "client-secret": _error(
        "AltDentifier rejects ALTDENTIFIER_CLIENT_SECRET ({status}).",
        "No login can finish.",
        'ALTDENTIFIER_CLIENT_SECRET = "..."  # copy it from your application\'s page',
    ),
    "provider-unreachable": _error(
        "{url} cannot be used from this machine: {cause}",
        "No login can finish.",
        "{fix}",
    ),
    "provider-error": _warning(
        "{url} does not answer as documented: {cause}",
        "Logins fail until it does.",
        "{fix}",
    ),
    "clock": _warning(
        "This machine's clock is {seconds} seconds {direction} AltDentifier's.",
        "Logins end too early or too late, and machines that share a store disagree.",
        "timedatectl set-ntp true",
    ),
    # The running site
    "site-unreachable": _error(
        "{host} does not answer: {cause}",
        "Nobody can log in.",
        "Check the address, DNS, the firewall, and whether the server runs.",
    ),
    "site-tls": _error(
        "The TLS certificate of {host} is not accepted: {cause}",
        "Browsers show a warning instead of the site.",
        "Install a valid certificate for this name, with its whole chain.",
    ),
    "site-http": _warning(
        "The login runs over plain http.",
        "Others on the network can read the code and the cookies of each login.",
        "Serve the site on https, and redirect all of http to it.",
    ),
    "site-no-login": _error(
        "{url} does not start a login ({status}).",
        "The blueprint has another URL, or the proxy does not forward this path.",
        "flask altdentifier check --site https://HOST/PREFIX  # with the blueprint's url_prefix",
    ),
    "site-blocked": _error(
        "{url} is refused before it reaches the app ({status}).",
        "A firewall, bot filter, rate limit or password in front of the site refuses it.",
        "Allow /login and /callback in front of the site, and check again.",
    ),
    "site-store-down": _error(
        "The site's store does not answer (503 store_unavailable).",
        "Every login fails.",
        "flask altdentifier check  # on the server",
    ),
    "site-error": _error(
        "{url} answers {status}.",
        "The proxy cannot reach the app, or the app failed.",
        "Read the log of the proxy and the app at the time of this check.",
    ),
    "site-login-elsewhere": _error(
        "{url} redirects to {host} instead of AltDentifier.",
        "Another login page or a redirect rule of the proxy handles this URL.",
        "Make the proxy forward /login to the app.",
    ),
    "site-sandbox": _error(
        "The site sends visitors to a sandbox, {host}.",
        "Visitors cannot reach it.",
        'ALTDENTIFIER_BASE_URL = "https://altdentifier.com"',
    ),
    "site-redirect-scheme": _error(
        "The login at {url} leads to {uri}.",
        "Browsers do not send Secure cookies over http. Others on the network can read the code.",
        "{fix}",
    ),
    "site-redirect-host": _error(
        "Logins that start on {host} return to {other}.",
        "The proxy changes the Host header, or the redirect URI names another host.",
        'ALTDENTIFIER_REDIRECT_URI = "{fixed}"',
    ),
    "site-www": _error(
        "Logins that start on {host} return to {other}.",
        "A browser does not send the cookies of one host to the other.",
        "Redirect all of {host} to {other} in the proxy, and forward the Host header.",
    ),
    "site-cached": _error(
        "Two logins got the same state ({url}).",
        "A cache in front of the app stores /login, and sends one visitor's login to others.",
        "Stop caching /login and /callback, and make the cache obey Cache-Control.",
    ),
    "site-cookie-missing": _error(
        "/login sets no state cookie.",
        "The proxy or a cache removes Set-Cookie headers.",
        "Forward Set-Cookie, for example by removing proxy_hide_header Set-Cookie.",
    ),
    "site-cookie-secure": _error(
        "The cookies are Secure, but the site is http.",
        "Browsers refuse Secure cookies on http.",
        "SESSION_COOKIE_SECURE = False  # or serve the site on https",
    ),
    "site-cookie-domain": _error(
        "The cookies are for the domain {domain}, but the site is {host}.",
        "Browsers refuse a cookie for another domain.",
        "SESSION_COOKIE_DOMAIN = None",
    ),
    "site-cookie-path": _error(
        "The cookies are for the path {path}, but the callback is {callback}.",
        "The browser does not send the state cookie to the callback.",
        'SESSION_COOKIE_PATH = "/"  # also look for proxy_cookie_path in the proxy',
    ),
    "site-cookie-samesite": _error(
        "The state cookie has SameSite=Strict, which the app does not set.",
        "After the redirect from AltDentifier, the browser does not send it.",
        "Remove the proxy's rule that changes SameSite.",
    ),
    "site-cookie-dropped": _error(
        "The state cookie did not reach the app ({count} of {total} logins).",
        "The proxy removes the Cookie header, or the workers have different client secrets.",
        "Forward Cookie to /callback, and use one ALTDENTIFIER_CLIENT_SECRET in all workers.",
    ),
    "site-store-private": _error(
        "The app did not find the login that it had started ({count} of {total} logins).",
        "Each worker or machine has its own store, and finds only its own logins.",
        REDIS_STORE,
    ),
    "site-session-private": _warning(
        "The session was lost between two requests ({count} of {total} logins).",
        "Each worker or machine has its own sessions. Logins work, but the app loses session data.",
        "Remove SESSION_TYPE to keep sessions in the store, or use one server for all workers.",
    ),
    "site-callback": _error(
        "{url} is not the callback ({status}).",
        "The path of ALTDENTIFIER_REDIRECT_URI is wrong, or the proxy does not forward it. If it "
        "redirects to /login, a before_request hook or a guard of the app does that.",
        "Compare ALTDENTIFIER_REDIRECT_URI with the output of `flask routes`. Replace such a hook "
        "with protect(app).",
    ),
    "site-own-page": _warning(
        "The app answers the callback with a page of its own ({status}).",
        "The cookies arrived, but the page does not show whether the app accepted the login.",
        "Make your error handler return problem+json if the request does not accept text/html.",
    ),
    "site-clock": _warning(
        "The site's clock is {seconds} seconds off.",
        "Logins end too early or too late, and machines that share a store disagree.",
        "timedatectl set-ntp true  # on every machine",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One problem of one app or site."""

    #: Stable, for programs: a key of `PROBLEMS`.
    code: str
    level: Level
    title: str
    why: str
    fix: str

    @property
    def docs(self) -> str:
        """The place in the docs."""
        return f"{DOCS_URL}#{self.code}"

    def to_json(self) -> dict[str, str]:
        """Return this finding as JSON values."""
        return {**asdict(self), "docs": self.docs}


Findings: TypeAlias = Iterator[Finding]


def finding(code: str, **values: object) -> Finding:
    """Return the finding with *code*, and with *values* in its texts."""
    level, *texts = PROBLEMS[code]
    title, why, fix = (_printable(text.format_map(values)) for text in texts)
    return Finding(code, level, title, why, fix)


def _printable(text: str) -> str:
    """Return *text* without control characters: a hostile site could write over the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
