"""The applications that are registered at the sandbox."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from .uris import is_web_uri, is_webhook_url

Clients: TypeAlias = "Mapping[str, str | Mapping[str, Any]] | Iterable[Client | Mapping[str, Any]]"


@dataclass(frozen=True)
class Client:
    """An application that is registered at the sandbox.

    Args:
        client_id: Any text.
        client_secret: Any text.
        name: The name of the application on the pages.
        redirect_uris: The allowed redirect URIs, compared character by character. If empty, every
            http and https URI is allowed.
        webhook_url: The http or https URL on this machine that receives events.
        webhook_secret: The secret that signs events. If empty, the sandbox generates one and shows
            it on its page. Never pass a secret that is used in production, because every process on
            this machine can make the sandbox sign events.

    Raises:
        ValueError: A value is not valid.

    Example::

        Client("my-app", "not-a-real-secret", name="My app")
    """

    client_id: str
    client_secret: str = field(repr=False)
    name: str = "Example app"
    redirect_uris: tuple[str, ...] = ()
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for value in (self.client_id, self.client_secret, self.name):
            if not value or not isinstance(value, str):
                raise ValueError("a client needs a client_id, a client_secret and a name, all text")
        for uri in self.redirect_uris:
            if not is_web_uri(uri):
                raise ValueError(
                    f"{uri!r} is not a valid redirect URI: use an absolute http or https URL in "
                    "printable ASCII, without user name, backslash and fragment"
                )
        if self.webhook_url and not is_webhook_url(self.webhook_url):
            raise ValueError(f"{self.webhook_url!r} is not an http or https URL on this machine")

    # The methods below are those of authlib.oauth2.rfc6749.ClientMixin that Authlib calls.

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether the sandbox may redirect a browser to *redirect_uri*."""
        if self.redirect_uris:
            return redirect_uri in self.redirect_uris
        return is_web_uri(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare secrets as bytes, in constant time."""
        return hmac.compare_digest(self.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Accept the two documented methods at the token endpoint."""
        return endpoint == "token" and method in {"client_secret_post", "client_secret_basic"}

    def check_response_type(self, response_type: str) -> bool:
        """Accept the one documented response type."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Accept the one documented grant type."""
        return grant_type == "authorization_code"

    def get_allowed_scope(self, scope: str) -> str:
        """Return *scope*, because the server has validated it."""
        return scope


#: The client of a sandbox that was created without clients.
DEFAULT_CLIENT = Client("sandbox", "sandbox-secret")


def parse_clients(clients: Clients | None) -> tuple[Client, ...]:
    """Return *clients*, in any of the forms that `create_app` accepts, as `Client` values."""
    if clients is None:
        return (DEFAULT_CLIENT,)
    if isinstance(clients, Mapping):
        return tuple(_parse_item(client_id, value) for client_id, value in clients.items())
    return tuple(c if isinstance(c, Client) else _parse_fields(c) for c in clients)


def _parse_item(client_id: str, value: str | Mapping[str, Any]) -> Client:
    if isinstance(value, Mapping):
        return _parse_fields({"client_id": client_id, **value})
    return Client(client_id, value)


def _parse_fields(values: Mapping[str, Any]) -> Client:
    uris = values.get("redirect_uris", ())
    uris = (uris,) if isinstance(uris, str) else tuple(uris)
    try:
        return Client(**{**values, "redirect_uris": uris})
    except TypeError:
        names = ", ".join(item.name for item in fields(Client))
        raise ValueError(f"a client has these fields: {names}") from None
