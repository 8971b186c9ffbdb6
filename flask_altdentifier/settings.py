"""The `ALTDENTIFIER_*` config, read once, checked once, frozen."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from cachelib import BaseCache

from . import scopes, urls
from .errors import ConfigError

PREFIX = "ALTDENTIFIER_"
#: Above this, sockets and cookies refuse a number of seconds: about three years.
MAX_SECONDS = 10**8
TOKEN_AUTH_METHODS = ("client_secret_post", "client_secret_basic")

# What `urls.absolute` takes. The URL is not repeated: it may hold a password.
_URL_RULES = (
    "http or https in small letters, a valid host (xn--... if not ASCII) and port, "
    "printable ASCII, no space, line break, backslash, user name ('@') or fragment ('#')."
)

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """One app's configuration. `from_config` makes it; secrets are hidden in the `repr`."""

    client_id: str
    client_secret: str = field(repr=False)
    #: What `/login` asks for.
    scope: frozenset[str]
    #: The callback's public URL, or None: then the request tells it.
    redirect_uri: str | None
    #: Origin of AltDentifier, without a slash at the end.
    base_url: str
    token_auth_method: str
    pkce: bool
    refresh: bool
    #: Seconds that one exchange with AltDentifier may take, all in all.
    timeout: float
    #: Seconds from `/login` to `/callback`.
    login_lifetime: int
    after_login: str
    after_logout: str
    #: The cache that was named, or None: then it is derived from the sessions.
    store: BaseCache | None = field(repr=False)
    webhook_secret: str | None = field(repr=False)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Return the settings in a Flask config.

        Raises `ConfigError`, which names the key and the mend, for a key that is missing or has
        a value that cannot be meant.
        """
        read = _Reader(config)
        return cls(
            client_id=read.required("CLIENT_ID", _credential),
            client_secret=read.required("CLIENT_SECRET", _credential),
            scope=read("SCOPE", _scope, scopes.READ_USER),
            redirect_uri=read("REDIRECT_URI", _optional(_redirect_uri)),
            base_url=read("BASE_URL", _base_url, "https://altdentifier.com"),
            token_auth_method=read("TOKEN_AUTH_METHOD", _auth_method, TOKEN_AUTH_METHODS[0]),
            pkce=read("PKCE", _boolean, default=False),
            refresh=read("REFRESH", _boolean, default=False),
            timeout=read("TIMEOUT", _seconds, 10.0),
            login_lifetime=math.ceil(read("LOGIN_LIFETIME", _seconds, 600)),
            after_login=read("AFTER_LOGIN", _path, "/"),
            after_logout=read("AFTER_LOGOUT", _path, "/"),
            store=read("STORE", _optional(_cache)),
            webhook_secret=read("WEBHOOK_SECRET", _optional(_credential)),
        )

    @cached_property
    def client_hash(self) -> str:
        """Eight hex digits that tell this client from another on the same host."""
        return hashlib.sha256(self.client_id.encode()).hexdigest()[:8]


class _Reader:
    """Reads one key after the other, and names the key in what goes wrong."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    def __call__(self, key: str, check: Callable[[Any], T], default: Any = None) -> T:
        name = PREFIX + key
        try:
            return check(self.config.get(name, default))
        except ValueError as problem:
            raise ConfigError(f"{name} {problem}") from None

    def required(self, key: str, check: Callable[[Any], T]) -> T:
        name = PREFIX + key
        if name not in self.config:
            raise ConfigError(
                f"{name} is missing. AltDentifier shows it on your application's page. Set "
                f'app.config["{name}"], or FLASK_{name} in the environment and call '
                "app.config.from_prefixed_env(), before you register the blueprint."
            )
        return self(key, check)


def _optional(check: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else check(value)


def _credential(value: Any) -> str:
    """Take text, and the digits of an int that `from_prefixed_env` made of them."""
    if type(value) is int and value >= 0:
        return str(value)
    if value is None:
        raise ValueError(
            "is missing: it is None. Does os.environ.get() find it? "
            "null in the environment is read as JSON: quote it, '\"null\"'."
        )
    if not isinstance(value, str):
        raise ValueError(
            f"must be a string, not {type(value).__name__}. In the environment it is read as JSON: "
            "put it in double quotes inside single quotes, '\"1e10\"'."
        )
    if not re.fullmatch(r"[ -~]+", value):
        raise ValueError("must be printable ASCII and not empty. Look for a line break at its end.")
    return value


def _scope(value: Any) -> frozenset[str]:
    if not isinstance(value, (str, list, tuple, set, frozenset)):
        raise ValueError("must be a string such as 'read:user write:integrations', or a list.")
    try:
        scope = scopes.parse(value) if isinstance(value, str) else scopes.checked(value)
    except ValueError as problem:
        raise ValueError(
            f"{problem}; a list has one scope per item, a string has a space between two."
        ) from None
    if not scope:
        raise ValueError("is empty. Leave it out for 'read:user'.")
    return scope


def _redirect_uri(value: Any) -> str:
    if not isinstance(value, str) or urls.absolute(value) is None:
        raise ValueError(
            "must be the absolute URL of the callback, such as 'https://example.com/callback': "
            f"{_URL_RULES}"
        )
    return value


def _base_url(value: Any) -> str:
    parts = urls.absolute(value) if isinstance(value, str) else None
    if parts is None or parts.path not in {"", "/"} or "?" in value:
        raise ValueError(
            "must be an origin such as 'https://altdentifier.com', without a path or query: "
            f"{_URL_RULES}"
        )
    if parts.scheme == "http" and not urls.is_loopback(parts.hostname or ""):
        raise ValueError(
            "must be https: the client secret is sent there. "
            "http is for a sandbox on a loopback address only."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _auth_method(value: Any) -> str:
    if value not in TOKEN_AUTH_METHODS:
        raise ValueError(f"must be one of {', '.join(TOKEN_AUTH_METHODS)}.")
    return str(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False (true or false in the environment).")
    return value


def _seconds(value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value <= MAX_SECONDS:
        raise ValueError(
            f"must be a number of seconds above 0 and at most {MAX_SECONDS}, without quotes."
        )
    return float(value)


def _path(value: Any) -> str:
    path = urls.local_path(value) if isinstance(value, str) else None
    if path is None:
        raise ValueError(
            "must be a path of this site that begins with one '/', such as '/home': no backslash, "
            f"line break or other control character, at most {urls.MAX_PATH} bytes percent-encoded."
        )
    return path


def _cache(value: Any) -> BaseCache:
    if not isinstance(value, BaseCache):
        raise ValueError(
            "must be a cachelib cache that all workers share, "
            "such as cachelib.RedisCache(redis.Redis(...))."
        )
    return value
