"""The extension's state of one app, which is kept in `app.extensions["altdentifier"]`."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask, current_app, request, url_for
from flask.sansio.app import App
from werkzeug.exceptions import BadRequest

from .config import Config, read_config
from .default_store import check_session_type, default_store
from .errors import ConfigError
from .records import Records
from .scopes import DOCUMENTED_SCOPE_NAMES
from .session_config import validate_session_config
from .stores import Store
from .urls import local_path

if TYPE_CHECKING:
    from .http.transport import Transport
    from .oauth.client import OAuthClient

EXTENSION_KEY = "altdentifier"

#: Longest path to `/login`, in bytes. gunicorn refuses request lines of more than 4,094 bytes, and
#: nginx response headers of more than 4 kB. Encoding can make `next` three times as long.
MAX_LOGIN_URL = 3_500


class ExtensionState:
    """One app's config, records and OAuth client."""

    def __init__(self, app: Flask, name: str) -> None:
        """Read the config of *app*, in which the blueprint is registered as *name*.

        Does no I/O, because servers fork after the registration. Raises `ConfigError`.
        """
        validate_session_config(app.config)
        self.app: Flask = app
        self.config: Config = read_config(app.config)
        #: Eight hex digits for the names of the cookies, because two apps can share a host.
        self.client_hash: str = sha256(self.config.client_id.encode()).hexdigest()[:8]
        #: Name of the blueprint in this app, with dots if it is nested.
        self.name: str = name
        #: The first part of each record's key in the store.
        self.key_prefix: str = key_prefix(app, self.config)
        self._store: Store | None = self.config.store
        self._choice_lock = Lock()  # two threads with a MemoryStore each would not share logins
        if self._store is None:
            check_session_type(app)

    def records(self) -> Records:
        """Return the app's records, for one request or command."""
        return Records(self.get_store, self.key_prefix)

    def get_store(self) -> Store:
        """Return the store.

        The default is chosen at first use, because `Session(app)` may run after the registration.
        """
        if self._store is None:
            with self._choice_lock:
                if self._store is None:
                    self._store = default_store(self.app)
        return self._store

    @cached_property
    def transport(self) -> Transport:
        """The HTTP transport to AltDentifier."""
        # Imported here because urllib3 takes 20 ms to import, and not every worker needs it.
        from .http.transport import HTTPTransport

        return HTTPTransport(self.config.base_url, self.config.timeout)

    @cached_property
    def oauth(self) -> OAuthClient:
        """The OAuth 2.0 client."""
        # Imported here because Authlib is slow to import, and only logins need it.
        from .oauth.client import OAuthClient

        return OAuthClient(
            client_id=self.config.client_id,
            client_secret=self.config.client_secret,
            base_url=self.config.base_url,
            token_auth_method=self.config.token_auth_method,
            transport=self.transport,
        )

    def redirect_uri(self) -> str:
        """Return the redirect URI: the configured one, or the external URL of the callback.

        Raises Werkzeug's `BadRequest` if the request's host name is not valid.
        """
        if self.config.redirect_uri is not None:
            return self.config.redirect_uri
        if not request.host:
            raise BadRequest("This host name is not valid. Set ALTDENTIFIER_REDIRECT_URI.")
        return url_for(f"{self.name}.callback", _external=True)

    def login_url(self, next: str | None, scopes: frozenset[str] = frozenset()) -> str:  # noqa: A002
        """Return the path of `/login` with *next* and *scopes* in its query.

        *next* is left out if `/login` would ignore it, or if the path would be longer than servers
        accept. *scopes* are added to `ALTDENTIFIER_SCOPE`. Undocumented ones are left out.
        """
        added = sorted(scopes & DOCUMENTED_SCOPE_NAMES - self.config.scope)
        values: dict[str, Any] = {"scope": " ".join(added)} if added else {}
        path = self._login_path(**values, next=local_path(next))
        return path if len(path) <= MAX_LOGIN_URL else self._login_path(**values)

    def _login_path(self, **values: Any) -> str:
        path = url_for(f"{self.name}.login", **values)
        # A proxy's X-Forwarded-Prefix may start with "//" or "/<tab>/", which browsers read as
        # another host.
        return "/" + quote(path.lstrip("/\\"), safe="!$%&'()*+,/:;=?@~")


def find_state(app: App) -> ExtensionState | None:
    """Return the state of *app*, or None if the blueprint is not registered in it."""
    state: ExtensionState | None = app.extensions.get(EXTENSION_KEY)
    return state


def get_state(app: App | None = None) -> ExtensionState:
    """Return the state of *app*, by default of the current app.

    Raises `ConfigError` if the blueprint is not registered in it.
    """
    state = find_state(current_app if app is None else app)
    if state is None:
        raise ConfigError(
            "flask_altdentifier is not registered in this app: "
            "call app.register_blueprint(flask_altdentifier.blueprint)."
        )
    return state


def key_prefix(app: Flask, config: Config) -> str:
    """Return the prefix of this app's keys in the store.

    It depends on `ALTDENTIFIER_BASE_URL`, because anybody can log in at a sandbox. Such a login
    must not count for an app that shares the store and uses the real AltDentifier.

    Raises `ConfigError` if `SESSION_KEY_PREFIX` is a prefix of it. A session cookie could then name
    a record of a login, and Flask-Session would read that record.
    """
    session_prefix = app.config.get("SESSION_KEY_PREFIX", "session:")
    parts = (config.base_url, config.client_id, session_prefix)
    digest = sha256("\0".join(parts).encode()).hexdigest()[:16]
    prefix = f"altdentifier:{digest}:"
    if prefix.startswith(session_prefix):
        raise ConfigError(
            f"SESSION_KEY_PREFIX is {session_prefix!r}. The keys of logins start with it too, so a "
            "session cookie could name a login. Remove it to use 'session:'."
        )
    return prefix
