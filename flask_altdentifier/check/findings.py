"""What can be wrong in an app's set-up: each mistake, why it matters, and its mend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

QUICK_REDIS = "Redis(..., socket_timeout=0.5, socket_connect_timeout=0.5, retry=None)"

#: Each code, with its level, what is wrong and why it matters, and the line that mends it.
FINDINGS: dict[str, tuple[Literal["error", "warning"], str, str]] = {
    "config": ("error", "{problem}", "{mend}"),
    "config-late": (
        "warning",
        "{key} was changed after the blueprint was registered, which reads the config once: it "
        "does nothing.",
        "app.register_blueprint(blueprint)  # below the line that sets {key}",
    ),
    "unknown-key": (
        "warning",
        "{key} is no key of this extension, so it does nothing.",
        "{mend}",
    ),
    "session-cookie": (
        "error",
        "Sessions are Flask's signed cookies, which the browser keeps and can bring back: "
        "every login answers 500.",
        'SESSION_TYPE = "redis"; then flask_session.Session(app)',
    ),
    "session-id": (
        "error",
        "The session interface, {name}, has no regenerate(session), so a login does not change the "
        "session's id: whoever planted that id in the browser shares the session. (The login is "
        "kept elsewhere and is safe.)",
        "flask_session.Session(app)",
    ),
    "session-refresh": (
        "warning",
        "SESSION_REFRESH_EACH_REQUEST is True, so each request writes the whole session back: a "
        "slow one undoes what a faster one has changed. (Logins are kept elsewhere and are safe.)",
        "SESSION_REFRESH_EACH_REQUEST = False",
    ),
    "session-samesite": (
        "warning",
        'SESSION_COOKIE_SAMESITE is "Strict": the browser leaves the session cookie out when it '
        "comes back from AltDentifier. The login works by cookies of its own, but the app finds "
        "an empty session there, and what it writes replaces the visitor's session.",
        'SESSION_COOKIE_SAMESITE = "Lax"',
    ),
    "session-samesite-none": (
        "error",
        'SESSION_COOKIE_SAMESITE is "None", which browsers take with SESSION_COOKIE_SECURE and '
        "on https only: they drop the session cookie, and each page begins an empty session.",
        "{mend}",
    ),
    "session-prefix": (
        "error",
        "SESSION_COOKIE_NAME is {name}: a cookie of such a name needs {needs}. Browsers drop this "
        "one, and each page begins an empty session.",
        'SESSION_COOKIE_NAME = "{mended}"',
    ),
    "session-name": (
        "warning",
        "{evidence}: where another app's session cookie has the same name, each overwrites the "
        "other's, and sessions are lost.",
        'SESSION_COOKIE_NAME = "{mended}"',
    ),
    "session-httponly": (
        "warning",
        "SESSION_COOKIE_HTTPONLY is False: any script in a page can read the session cookie.",
        "SESSION_COOKIE_HTTPONLY = True",
    ),
    "session-secure": (
        "error",
        "A site on https needs SESSION_COOKIE_SECURE, which is not set: cookies are sent over "
        "plain http too, where others can read them.",
        "SESSION_COOKIE_SECURE = True",
    ),
    "session-secure-http": (
        "warning",
        "SESSION_COOKIE_SECURE is set, but ALTDENTIFIER_REDIRECT_URI is http: browsers keep Secure "
        "cookies from http sites back (some make an exception for localhost), so no login ends.",
        "SESSION_COOKIE_SECURE = False  # on this machine only",
    ),
    "secret-key": (
        "warning",
        "SESSION_USE_SIGNER signs session ids with SECRET_KEY: where each worker, or each start, "
        "makes a random one, sessions are lost. Ids are random, and need no signature.",
        "SESSION_USE_SIGNER = False",
    ),
    "secret-key-random": (
        "warning",
        "Each start of the app makes another SECRET_KEY, so each worker has its own: what one has "
        "signed the others refuse (forms of Flask-WTF, remember-me cookies of Flask-Login). Logins "
        "do not need it.",
        'SECRET_KEY = os.environ["SECRET_KEY"]  # in the place of the random one; made once: '
        "python -c 'import secrets; print(secrets.token_hex())'",
    ),
    "redirect-path": (
        "error",
        "The path of ALTDENTIFIER_REDIRECT_URI does not end in {callback}, where the callback is: "
        "the browser comes back to another page, or to none.",
        'ALTDENTIFIER_REDIRECT_URI = "{uri}"',
    ),
    "redirect-http": (
        "error",
        "ALTDENTIFIER_REDIRECT_URI is http, so the code of each login crosses the network in the "
        "clear.",
        'ALTDENTIFIER_REDIRECT_URI = "{uri}"',
    ),
    "redirect-scheme": (
        "warning",
        "Logins come back on {scheme}, but PREFERRED_URL_SCHEME is {preferred}: links that the app "
        "makes outside of requests lead to another site.",
        'PREFERRED_URL_SCHEME = "{scheme}"',
    ),
    "redirect-host": (
        "warning",
        "Logins come back to {host}, but {other}: the browser does not send one host's cookies to "
        "another, so a login cannot end there.",
        "{mend}",
    ),
    "trusted-hosts": (
        "error",
        "Logins come back to {host}, which is not in TRUSTED_HOSTS: the app answers 400 there, so "
        "no login ends.",
        "TRUSTED_HOSTS = {hosts}",
    ),
    "cookie-path": (
        "error",
        "ALTDENTIFIER_REDIRECT_URI is not below {path}, the path of the cookies "
        "(SESSION_COOKIE_PATH, APPLICATION_ROOT): they do not reach the callback, so no "
        "login ends.",
        'SESSION_COOKIE_PATH = "/"',
    ),
    "cookie-domain": (
        "error",
        "Logins come back to {host}, which is not in SESSION_COOKIE_DOMAIN, {domain}: browsers "
        "refuse the cookies there, so no login ends.",
        "SESSION_COOKIE_DOMAIN = None",
    ),
    "localhost": (
        "warning",
        "ALTDENTIFIER_REDIRECT_URI names {host}, but the app is served on {served}: browsers take "
        "these for two sites, and a login that is begun on one cannot end on the other.",
        "{mend}",
    ),
    "proxy": (
        "warning",
        "{evidence}, but neither ALTDENTIFIER_REDIRECT_URI nor ProxyFix tells the app its public "
        "URL: behind a proxy the redirect URI becomes http or an inner host, which AltDentifier "
        "does not know.",
        'ALTDENTIFIER_REDIRECT_URI = "{uri}"',
    ),
    "store-config": ("error", "Logins cannot be kept. {problem}", "{mend}"),
    "store-unreachable": (
        "error",
        "The store does not take a record and give it back{why}: every login answers 503.",
        "{mend}",
    ),
    "sessions-unreachable": (
        "error",
        "The sessions' backend does not take a session and give it back{why}: each page that uses "
        "the session answers 500, /login too.",
        "{mend}",
    ),
    "store-private": (
        "warning",
        "{key} is a SimpleCache, the memory of one process: with several workers most logins fail, "
        "and a restart ends them all.",
        "{mend}",
    ),
    "store-shared": (
        "warning",
        "Sessions and logins are in one cache: when it is full, sessions of visitors push out the "
        "logins, which end earlier.",
        "{mend}",
    ),
    "cache-threshold": (
        "warning",
        "{key} holds {threshold} entries at most: so many visits push out sessions and logins.",
        "{mend}",
    ),
    "redis-timeout": (
        "warning",
        "The Redis client of {key} waits more than two seconds when Redis is down: requests pile "
        "up until no worker is left.",
        "{mend}",
    ),
    "client-id": (
        "error",
        "AltDentifier does not know ALTDENTIFIER_CLIENT_ID (404): its page tells every visitor so.",
        'ALTDENTIFIER_CLIENT_ID = "the one on your application\'s page"',
    ),
    "client-secret": (
        "error",
        "AltDentifier does not accept ALTDENTIFIER_CLIENT_SECRET with ALTDENTIFIER_CLIENT_ID "
        "(401): no login can end.",
        'ALTDENTIFIER_CLIENT_SECRET = "the one on your application\'s page"',
    ),
    "provider-unreachable": (
        "error",
        "ALTDENTIFIER_BASE_URL does not answer from this machine: no login can end.",
        "{mend}",
    ),
    "provider-error": (
        "warning",
        "AltDentifier answered {status}: logins fail until that is over.",
        "# nothing in the config; ask again later",
    ),
    "clock": (
        "warning",
        "This machine's clock is {seconds} seconds {direction} AltDentifier's: logins end too "
        "early or too late, and machines that share a store disagree.",
        "timedatectl set-ntp true  # in a shell",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One mistake."""

    #: Stable, for programs: a key of `FINDINGS`.
    code: str
    level: Literal["error", "warning"]
    #: What is wrong, and why it matters.
    message: str
    #: The line that mends it.
    mend: str


Findings: TypeAlias = Iterator[Finding]


def finding(code: str, **values: object) -> Finding:
    """Return the finding *code*, with *values* in its texts."""
    level, message, mend = FINDINGS[code]
    return Finding(code, level, message.format_map(values), mend.format_map(values))
