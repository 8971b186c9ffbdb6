"""The blueprint. To install the extension in an app, register it."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Flask
from flask.sansio.app import App
from flask.sessions import SecureCookieSessionInterface

from . import cli, views
from .error_pages import error_response
from .errors import AltDentifierError, ConfigError
from .integration import integration_url
from .state import EXTENSION_KEY, ExtensionState, find_state

# Set here, because `errors` imports neither Flask nor the templates.
AltDentifierError.render = error_response


class AltDentifierBlueprint(Blueprint):
    """A blueprint that reads the app's config when it is registered."""

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Install the extension in *app*.

        Reads the config, and does no I/O. Adds `/login`, `/callback` and `/logout`, the `flask
        altdentifier` commands and the Jinja global `altdentifier_integration_url`. Keeps sessions
        in the login store, unless the app configures Flask-Session.

        The config keys, each with the prefix `ALTDENTIFIER_`:

        - `CLIENT_ID`, `CLIENT_SECRET` (required): from your application's page.
        - `SCOPE` (`"read:user"`): the scopes that `/login` requests.
        - `REDIRECT_URI` (the callback's external URL): set it behind a proxy.
        - `BASE_URL` (`"https://altdentifier.com"`): AltDentifier's origin.
        - `TOKEN_AUTH_METHOD` (`"client_secret_post"`): or `"client_secret_basic"`.
        - `PKCE` (`False`): `True` sends an S256 challenge.
        - `TIMEOUT` (`10.0`): seconds for one whole exchange with AltDentifier.
        - `LOGIN_LIFETIME` (`600`): seconds from `/login` to `/callback`.
        - `GRANT_LIFETIME` (`None`): seconds after which a login ends.
        - `AFTER_LOGIN`, `AFTER_LOGOUT` (`"/"`): local paths to redirect to.
        - `STORE` (SQLite in the instance folder): a URL, client, engine or store.
        - `WEBHOOK_SECRET` (`None`): the server's signature, or a list of them.

        Args:
            app: The app that logs people in.
            options: The options of `Flask.register_blueprint`, such as `url_prefix`.

        Raises:
            ConfigError: A key is missing or invalid, the blueprint is registered already, or the
                app uses `host_matching=True` or `subdomain=`.

        Example::

            app.register_blueprint(blueprint, url_prefix="/auth")
        """
        if find_state(app) is not None:
            raise ConfigError(
                "flask_altdentifier.blueprint is registered in this app already. Register it once."
            )
        _refuse_other_hosts(app, options)
        # `super().register` computes the same name, but must only run if the config is valid.
        name = f"{options.get('name_prefix', '')}.{options.get('name', self.name)}".lstrip(".")
        state = ExtensionState(cast("Flask", app), name)
        super().register(app, options)
        app.extensions[EXTENSION_KEY] = state
        _install_sessions(cast("Flask", app), state)
        app.add_template_global(integration_url, "altdentifier_integration_url")


def _refuse_other_hosts(app: App, options: dict[str, Any]) -> None:
    """Raise `ConfigError` if the routes would be on another host than the app's pages."""
    if app.url_map.host_matching:
        raise ConfigError(
            "host_matching=True is not supported: a login returns to a path of the host that it "
            "started on. Create the app without it."
        )
    if options.get("subdomain") or getattr(app, "subdomain_matching", False):
        raise ConfigError(
            "subdomain= and subdomain_matching=True are not supported: a login returns to a path "
            "of the host that it started on. Use neither, or one app per subdomain."
        )


def _install_sessions(app: Flask, state: ExtensionState) -> None:
    """Keep sessions in the store, unless the app configures its own."""
    is_default = type(app.session_interface) is SecureCookieSessionInterface
    if is_default and app.config.get("SESSION_TYPE") is None:
        # Imported here because Flask-Session's base takes 6 ms to import.
        from .browser.session_interface import StoreSessionInterface

        app.session_interface = StoreSessionInterface(app, state)


#: `app.register_blueprint(blueprint)` installs the extension. `url_prefix=` and `name=` work as in
#: Flask, and the blueprint can be nested in another one.
blueprint: AltDentifierBlueprint = AltDentifierBlueprint(
    "altdentifier", __name__, cli_group="altdentifier", template_folder="templates"
)
blueprint.add_url_rule("/login", "login", views.login, methods=["GET"])
# Every method reaches this view, which answers 405 to all but GET. A 405 of Flask's own would lack
# the headers of `keep_code_private`.
_ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
blueprint.add_url_rule("/callback", "callback", views.callback, methods=_ALL_METHODS)
blueprint.after_request(views.keep_code_private)
blueprint.add_url_rule("/logout", "logout", views.logout, methods=["GET", "POST"])
blueprint.cli.help = "AltDentifier: run the app with a sandbox, check it, end all logins."
for _command in cli.commands:
    blueprint.cli.add_command(_command)
