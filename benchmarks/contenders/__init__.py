"""What is compared: one small file each, written as its own documentation shows it.

Each has `install(app, provider_url)`, which adds the login and the guarded view `/protected`.
"""

from __future__ import annotations

from typing import NamedTuple

ORIGIN = "https://app.example"
CLIENT_ID = "benchmark"
CLIENT_SECRET = "a secret of the benchmark that is long enough to sign with"  # noqa: S105
SCOPE = "read:user"


class Contender(NamedTuple):
    """One way to guard a view by a login."""

    title: str
    #: The distribution on PyPI whose version is printed.
    distribution: str
    #: What an app imports for it, beside flask and flask_session.
    module: str
    login_path: str = "/login"


CONTENDERS = {
    "ours": Contender("ours", "flask-altdentifier", "flask_altdentifier"),
    "floor": Contender("floor", "urllib3", "flask_session"),
    "authlib": Contender("Authlib", "Authlib", "authlib.integrations.flask_client"),
    "flask_dance": Contender(
        "Flask-Dance", "Flask-Dance", "flask_dance.consumer", "/login/altdentifier"
    ),
    "flask_discord": Contender("Flask-Discord", "Flask-Discord", "flask_discord"),
    "flask_login": Contender("Flask-Login", "Flask-Login", "flask_login"),
}
NAMES = tuple(CONTENDERS)
PEERS = NAMES[2:]
#: Those that send OAuth 2.0 requests to the provider.
OAUTH = NAMES[:-1]
