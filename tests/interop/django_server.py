"""django-oauth-toolkit with AltDentifier's paths and scopes: `python django_server.py PORT`."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

import sys
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path
from werkzeug.serving import run_simple

SCOPES = {"read:user": "Read", "write:integrations": "Write"}

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.sqlite3"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=[f"{__name__}.log_in_ada"],
    OAUTH2_PROVIDER={
        "SCOPES": SCOPES,
        "SCOPES_BACKEND_CLASS": f"{__name__}.Scopes",
        "PKCE_REQUIRED": lambda client_id: client_id == "strict",
    },
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not-a-real-secret",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402
from oauth2_provider.scopes import SettingsScopes  # noqa: E402
from oauth2_provider.views import AuthorizationView, TokenView  # noqa: E402

urlpatterns = [
    path("oauth2/authorize", AuthorizationView.as_view()),
    path("oauth2/token", TokenView.as_view()),
]


class Scopes(SettingsScopes):  # type: ignore[misc]  # its package has no types
    """The client `reader` may only read."""

    def get_available_scopes(self, application: Any = None, *args: Any, **kwargs: Any) -> list[str]:
        return ["read:user"] if application.client_id == "reader" else list(SCOPES)


def log_in_ada(get_response: Any) -> Any:
    def respond(request: Any) -> Any:
        request.user = User.objects.get()
        return get_response(request)

    return respond


call_command("migrate", verbosity=0)
User.objects.create(username="ada")
for client_id in ("post", "basic", "strict", "reader", "machine"):
    Application.objects.create(
        client_id=client_id,
        client_secret="a b+c%d:e/f",
        client_type="confidential",
        authorization_grant_type=(
            "client-credentials" if client_id == "machine" else "authorization-code"
        ),
        redirect_uris="http://localhost/callback",
    )
run_simple("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), threaded=True)
