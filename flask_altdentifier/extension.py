"""The blueprint. Registering it in an app is the whole installation."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Flask
from flask.sansio.app import App

from . import cli, views
from .errors import ConfigError
from .installed import KEY, Installed
from .integration import integration_url


class AltDentifier(Blueprint):
    """A blueprint that checks the app's config when it is registered."""

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Install in *app*: read the config, add the routes and the `flask altdentifier` commands.

        The keys, each with `ALTDENTIFIER_` before it:

        ===================== ============================ ====================================
        `CLIENT_ID`           required                     from your application's page
        `CLIENT_SECRET`       required                     from your application's page
        `SCOPE`               `"read:user"`                what `/login` asks for
        `REDIRECT_URI`        the callback's external URL  set it behind a proxy
        `BASE_URL`            `https://altdentifier.com`   or a sandbox on a loopback address
        `TOKEN_AUTH_METHOD`   `client_secret_post`         or `client_secret_basic`
        `PKCE`                `False`                      `True` sends S256 (RFC 7636)
        `REFRESH`             `False`                      `True` refreshes expired grants
        `TIMEOUT`             `10.0`                       seconds for one exchange, all in all
        `LOGIN_LIFETIME`      `600`                        seconds from `/login` to `/callback`
        `AFTER_LOGIN`         `"/"`                        path in the app
        `AFTER_LOGOUT`        `"/"`                        path in the app
        `STORE`               from the Flask-Session one   a cachelib cache all workers share
        `WEBHOOK_SECRET`      `None`                       the provider's "server's signature"
        ===================== ============================ ====================================

        Raises `ConfigError` for a key that is missing or wrong, and for a second registration.
        """
        if KEY in app.extensions:
            raise ConfigError(
                "flask_altdentifier.blueprint is registered in this app already; once is enough."
            )
        name = f"{options.get('name_prefix', '')}.{options.get('name', self.name)}".lstrip(".")
        installed = Installed(cast("Flask", app), name)
        super().register(app, options)
        app.extensions[KEY] = installed
        app.add_template_global(integration_url, "altdentifier_integration_url")


#: Register it: `app.register_blueprint(blueprint)`. `url_prefix=` and `name=` work as in Flask.
blueprint: AltDentifier = AltDentifier(
    "altdentifier", __name__, cli_group="altdentifier", template_folder="templates"
)
blueprint.add_url_rule("/login", "login", views.login, methods=["GET"])
# Every method, so that a 405 has the headers of every answer of the callback.
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
blueprint.add_url_rule("/callback", "callback", views.callback, methods=METHODS)
blueprint.add_url_rule("/logout", "logout", views.logout, methods=["POST"])
blueprint.cli.help = "AltDentifier: check the set-up, print the link, run a sandbox."
for _command in cli.commands:
    blueprint.cli.add_command(_command)
