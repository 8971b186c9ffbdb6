"""The `ALTDENTIFIER_*` config: read once, validated once, frozen.

`Config` is the one list of keys. The reader below, the docs' table and `flask altdentifier check`
derive from its fields. To add a key, add a field and its validator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from . import urls
from .errors import ConfigError
from .scopes import READ_USER, parse_scope, validate_scopes
from .stores import Store, from_setting

PREFIX = "ALTDENTIFIER_"
#: Largest number of seconds, about three years. Sockets and cookies refuse larger ones.
MAX_SECONDS = 10**8
TOKEN_AUTH_METHODS = ("client_secret_post", "client_secret_basic")

_URL_RULES = (
    "http or https in lower case, then a valid host and port. It must be printable ASCII (xn--... "
    "for other hosts), without a space, line break, backslash, user name ('@') or fragment ('#')."
)


# The validators. No message repeats the value, which may be a secret or contain a password.


def _credential(value: Any) -> str:
    """Accept a string, or an int, because `from_prefixed_env` turns digits into an int."""
    if type(value) is int and value >= 0:
        return str(value)
    if value is None:
        raise ValueError(
            "is None. Set it, or the environment variable that it is read from. For the "
            "text null in the environment, quote it: '\"null\"'."
        )
    if not isinstance(value, str):
        raise ValueError(
            f"must be a string, not {type(value).__name__}. In the environment it is read as JSON. "
            "Write double quotes inside single quotes: '\"1e10\"'."
        )
    if not re.fullmatch(r"[ -~]+", value):
        raise ValueError("must be printable ASCII and not empty. Is there a line break at its end?")
    return value


def _scope(value: Any) -> frozenset[str]:
    if not isinstance(value, (str, list, tuple, set, frozenset)):
        raise ValueError("must be a string such as 'read:user write:integrations', or a list.")
    try:
        scope = parse_scope(value) if isinstance(value, str) else validate_scopes(value)
    except ValueError as error:
        raise ValueError(f"{error}. Write one scope per list item, or spaces in between.") from None
    if not scope:
        raise ValueError("is empty. Remove it to use 'read:user'.")
    return scope


def _redirect_uri(value: Any) -> str:
    if not isinstance(value, str) or urls.parse_absolute_url(value) is None:
        raise ValueError(
            "must be the absolute URL of the callback, such as 'https://example.com/callback': "
            f"{_URL_RULES}"
        )
    return value


def _base_url(value: Any) -> str:
    parts = urls.parse_absolute_url(value) if isinstance(value, str) else None
    if parts is None or parts.path not in {"", "/"} or "?" in value:
        raise ValueError(
            "must be an origin such as 'https://altdentifier.com', without a path or query: "
            f"{_URL_RULES}"
        )
    if parts.scheme == "http" and not urls.is_loopback(parts.hostname or ""):
        raise ValueError(
            "must be https, because the client secret is sent there. "
            "http is only for a sandbox on a loopback address."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _token_auth_method(value: Any) -> str:
    if value not in TOKEN_AUTH_METHODS:
        raise ValueError(f"must be one of {', '.join(TOKEN_AUTH_METHODS)}.")
    return str(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False (true or false in the environment).")
    return value


def _seconds(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 < value <= MAX_SECONDS:
        raise ValueError(
            f"must be a number of seconds above 0 and at most {MAX_SECONDS}, without quotes."
        )
    return float(value)


def _local_path(value: Any) -> str:
    path = urls.local_path(value) if isinstance(value, str) else None
    if path is None:
        raise ValueError(
            "must be a path of this site that begins with one '/', such as '/home'. It has no "
            f"backslash, no control character, and at most {urls.MAX_PATH} bytes."
        )
    return path


def _webhook_secrets(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values:
        raise ValueError("is an empty list. Remove it, or list at least one secret.")
    return tuple(_credential(secret) for secret in values)


def _optional(validate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else validate(value)


def _key(
    validate: Callable[[Any], Any],
    help: str,  # noqa: A002
    *,
    default: Any = MISSING,
    example: str,
    secret: bool = False,
) -> Any:
    """Return the dataclass field of one config key. A key without a default is required."""
    metadata = {"validate": validate, "help": help, "default": default, "example": example}
    return field(repr=not secret, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """One app's configuration, with secrets hidden in its `repr`. `read_config` makes it."""

    client_id: str = _key(
        _credential, "The client ID on your application's page.", example='"my-app"'
    )
    client_secret: str = _key(
        _credential,
        "The client secret on your application's page.",
        example='"wJalrXUtnFEMI"',
        secret=True,
    )
    scope: frozenset[str] = _key(
        _scope,
        "The scopes that `/login` requests: a space-separated string or a list.",
        default=READ_USER,
        example='"read:user write:integrations"',
    )
    redirect_uri: str | None = _key(
        _optional(_redirect_uri),
        "The callback's public URL. Default: built from the request.",
        default=None,
        example='"https://example.com/callback"',
    )
    base_url: str = _key(
        _base_url,
        "AltDentifier's origin: https, or http on a loopback address.",
        default="https://altdentifier.com",
        example='"http://127.0.0.1:8400"',
    )
    token_auth_method: str = _key(
        _token_auth_method,
        "How the client authenticates: `client_secret_post` or `client_secret_basic`.",
        default=TOKEN_AUTH_METHODS[0],
        example='"client_secret_basic"',
    )
    pkce: bool = _key(
        _boolean,
        "`True` sends a PKCE challenge (S256), which AltDentifier does not document.",
        default=False,
        example="True",
    )
    timeout: float = _key(
        _seconds,
        "Most seconds that one exchange with AltDentifier may take.",
        default=10.0,
        example="5.0",
    )
    login_lifetime: float = _key(
        _seconds, "Seconds within which a login must finish.", default=600, example="300"
    )
    grant_lifetime: float | None = _key(
        _optional(_seconds),
        "Seconds after which a login ends, if its token does not expire sooner.",
        default=None,
        example="86400",
    )
    after_login: str = _key(
        _local_path,
        "Local path to redirect to after a login that was started without `next`.",
        default="/",
        example='"/home"',
    )
    after_logout: str = _key(
        _local_path,
        "Local path to redirect to after a logout.",
        default="/",
        example='"/goodbye"',
    )
    store: Store | None = _key(  # noqa: RUF009 -- it returns a field, as dataclasses.field does
        _optional(from_setting),
        "The login store: a URL, a Redis client, a SQLAlchemy engine or a store of your own. "
        "Default: SQLite in the instance folder, or the server of Flask-Session.",
        default=None,
        example='"redis://localhost"',
        secret=True,
    )
    webhook_secret: tuple[str, ...] | None = _key(
        _optional(_webhook_secrets),
        "The webhook secret, which AltDentifier calls the server's signature, or a list of them "
        "during a rotation.",
        default=None,
        example='["new", "old"]',
        secret=True,
    )


def config_keys() -> tuple[Field[Any], ...]:
    """Return the fields of `Config`, with `validate`, `help`, `default`, `example` as metadata."""
    return fields(Config)


def key_name(key: Field[Any]) -> str:
    """Return the name of a key in `app.config`, such as `ALTDENTIFIER_CLIENT_ID`."""
    return PREFIX + key.name.upper()


def read_config(config: MutableMapping[str, Any]) -> Config:
    """Return the validated config, and write the defaults back to *config*.

    Raises `ConfigError`, which names the key and how to fix it.
    """
    values = {key.name: _read_key(config, key) for key in config_keys()}
    for key in config_keys():
        if key.metadata["default"] is not MISSING:
            config.setdefault(key_name(key), key.metadata["default"])
    return Config(**values)


def _read_key(config: MutableMapping[str, Any], key: Field[Any]) -> Any:
    name = key_name(key)
    value = config.get(name, key.metadata["default"])
    if value is MISSING:
        raise ConfigError(
            f"{name} is missing. AltDentifier shows it on your application's page. Set "
            f'app.config["{name}"], or set FLASK_{name} in the environment and call '
            "app.config.from_prefixed_env(), before you register the blueprint. "
            "`flask altdentifier dev` runs the app without it."
        )
    try:
        return key.metadata["validate"](value)
    except ValueError as error:
        raise ConfigError(f"{name} {error}") from None
