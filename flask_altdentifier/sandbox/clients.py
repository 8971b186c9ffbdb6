"""The applications that the sandbox knows."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from . import redirects

Clients: TypeAlias = "Mapping[str, str | Mapping[str, Any]] | Iterable[Client | Mapping[str, Any]]"


@dataclass(frozen=True)
class Client:
    """An application as registered at the provider.

    Without *redirect_uris* any http or https URI will do; with them, one of them to the letter.
    Its events go to *webhook_url*, on this machine, signed with *webhook_secret* or else with the
    client secret, as in the provider's example; both can be changed on the sandbox's pages.
    The methods are those that Authlib asks a client for (`authlib.oauth2.rfc6749.ClientMixin`).
    """

    client_id: str
    client_secret: str = field(repr=False)
    name: str = "Example app"
    redirect_uris: tuple[str, ...] = ()
    webhook_url: str = ""
    webhook_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for text in (self.client_id, self.client_secret):
            if not text or not isinstance(text, str):
                raise ValueError("a client needs a client_id and a client_secret, both text")
        for uri in self.redirect_uris:
            if not redirects.is_web_uri(uri):
                raise ValueError(
                    f"{uri!r} is no redirect URI that the sandbox takes: an absolute http or https "
                    "URL in printable ASCII, with a valid host and port, without user name, "
                    "backslash and fragment"
                )
        if self.webhook_url and not redirects.is_webhook_url(self.webhook_url):
            raise ValueError(f"{self.webhook_url!r} is no http or https URL on this machine")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Tell whether the browser may be sent to *redirect_uri*."""
        if self.redirect_uris:
            return redirect_uri in self.redirect_uris
        return redirects.is_web_uri(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        """Compare secrets as bytes, in constant time."""
        return hmac.compare_digest(self.client_secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Accept the two documented methods, at the token endpoint."""
        return endpoint == "token" and method in {"client_secret_post", "client_secret_basic"}

    def check_response_type(self, response_type: str) -> bool:
        """Accept the one documented response type."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Accept the documented grant type, and refreshing, which has a switch of its own."""
        return grant_type in {"authorization_code", "refresh_token"}

    def get_allowed_scope(self, scope: str) -> str:
        """Narrow nothing: the server has checked the scope."""
        return scope


#: The client of a sandbox that was given none.
DEFAULT = Client("sandbox", "sandbox-secret")


def clients_from(clients: Clients | None) -> tuple[Client, ...]:
    """Return *clients*, in any of the forms that `create_app` takes, as `Client` values."""
    if clients is None:
        return (DEFAULT,)
    if isinstance(clients, Mapping):
        return tuple(
            _client_from({"client_id": name, **value})
            if isinstance(value, Mapping)
            else Client(name, value)
            for name, value in clients.items()
        )
    return tuple(c if isinstance(c, Client) else _client_from(c) for c in clients)


def _client_from(given: Mapping[str, Any]) -> Client:
    known = dict(given)
    if "client_name" in known:
        known["name"] = known.pop("client_name")
    uris = known.get("redirect_uris", ())
    known["redirect_uris"] = (uris,) if isinstance(uris, str) else tuple(uris)
    try:
        return Client(**known)
    except TypeError:
        names = ", ".join(one.name for one in fields(Client))
        raise ValueError(f"a client has these fields: {names}") from None
