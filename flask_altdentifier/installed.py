"""What the extension keeps for each app, in `app.extensions["altdentifier"]`."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from flask import Flask, current_app, request, url_for
from werkzeug.exceptions import BadRequest

from .backends import session_cache
from .errors import ConfigError, StoreUnavailable
from .settings import Settings
from .store import Store, namespace

if TYPE_CHECKING:
    from .provider import Provider
    from .transport import Transport

KEY = "altdentifier"


class Installed:
    """One app's settings, store and way to the provider."""

    def __init__(self, app: Flask, name: str) -> None:
        """Read the config of *app*, in which the blueprint is registered as *name*.

        Raises `ConfigError` for a config that cannot work, the named store included if it
        answers already.
        """
        self.settings: Settings = Settings.from_config(app.config)
        #: What our keys in the store begin with.
        self.namespace: str = namespace(
            self.settings.client_id, app.config.get("SESSION_KEY_PREFIX", "session:")
        )
        #: Name of the blueprint in this app, dotted where it is nested.
        self.name = name
        #: Where this request's grant is kept while the request lasts.
        self.environ_key: str = f"flask_altdentifier.{id(self):x}"
        #: Where what kept that grant from being refreshed is kept.
        self.problem_key: str = f"{self.environ_key}.problem"
        #: Time (monotonic) before which nothing is refreshed, since AltDentifier hangs.
        self.refresh_after: float = 0.0
        #: Codes of the mistakes in the set-up that the log has told, None before the first login.
        self.logged: set[str] | None = None
        #: By which scheme, host and word of a proxy logins have begun: see `check.runtime`.
        self.ways: set[tuple[str | None, ...]] = set()
        self._store: Store | None = None
        #: Name of the login cookie on plain http and on https, once a request has asked for it.
        self.cookie_names: dict[bool, str] = {}
        if self.settings.store is not None:
            with suppress(StoreUnavailable):  # then it is asked again when it is needed
                self._store = self._find_store(app)

    @property
    def store(self) -> Store:
        """The store, found at the first use: `Session(app)` may run after the registration."""
        # No cached_property: up to Python 3.11 its lock makes threads wait for a hung server one
        # after the other.
        if self._store is None:
            self._store = self._find_store(current_app)
        return self._store

    @cached_property
    def transport(self) -> Transport:
        """The HTTP transport to the provider."""
        # Not at the top: urllib3 and Authlib take 25 ms to import, which only logins need.
        from .transport import HTTPTransport

        return HTTPTransport(self.settings.base_url, self.settings.timeout)

    @cached_property
    def provider(self) -> Provider:
        """AltDentifier."""
        from .provider import Provider

        return Provider(self.settings, self.transport)

    def callback_url(self) -> str:
        """Return the redirect URI: the one that is set, else what the request tells.

        Raises Werkzeug's `BadRequest` where the request tells no host that Werkzeug takes for one.
        """
        if not self.settings.redirect_uri and not request.host:
            raise BadRequest("This host name is not valid. Set ALTDENTIFIER_REDIRECT_URI.")
        return self.settings.redirect_uri or url_for(f"{self.name}.callback", _external=True)

    def login_path(self, next: str | None) -> str:  # noqa: A002
        """Return the path at which a login starts that leads to *next*."""
        return url_for(f"{self.name}.login", next=next)

    def _find_store(self, app: Flask) -> Store:
        cache = self.settings.store
        return Store(session_cache(app) if cache is None else cache, self.namespace)


def installed() -> Installed:
    """Return what is kept for the current app.

    Raises `ConfigError` where the blueprint is not registered in it.
    """
    # Asked several times in each request; an attribute of the proxy takes five times as long.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        found: Installed = app.extensions[KEY]
    except KeyError:
        raise ConfigError(
            "flask_altdentifier is not set up in this app: "
            "call app.register_blueprint(flask_altdentifier.blueprint)."
        ) from None
    return found
