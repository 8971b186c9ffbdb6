"""The state cookies, one for each pending login, and the login cookie.

Only the login flow writes a cookie, so a slow request of the same browser cannot undo the change. A
session has no such guarantee, because each request rewrites the whole session at its end.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from flask import Request, Response, after_this_request

from ..state import ExtensionState

#: How many cookies with the same name are read. A changed cookie domain leaves two of them.
MAX_SAME_NAME = 4

# Time of creation in nanoseconds, 256 random bits, and a signature.
_STATE_COOKIE = re.compile(r"([0-9]{19}\.[A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})")
_LOGIN_ID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class StateCookie:
    """The value of the cookie that binds one pending login to a browser.

    The OAuth state is the SHA-256 of the cookie, so the state does not reveal the cookie.
    """

    value: str = field(repr=False)

    @classmethod
    def create(cls, client_secret: str) -> StateCookie:
        """Return a new cookie, signed with a key that is derived from *client_secret*.

        Without a signature, made-up cookies could evict real pending logins.
        """
        signed = f"{time.time_ns()}.{secrets.token_urlsafe(32)}"
        return cls(f"{signed}.{_signature(client_secret, signed)}")

    @classmethod
    def parse(cls, client_secret: str, value: str) -> StateCookie | None:
        """Return the cookie if its signature is valid, else None."""
        match = _STATE_COOKIE.fullmatch(value)
        if match and hmac.compare_digest(match[2], _signature(client_secret, match[1])):
            return cls(value)
        return None

    @cached_property
    def state(self) -> str:
        """The OAuth state (RFC 6749 section 4.1.1): 43 base64url characters."""
        return _base64url(hashlib.sha256(self.value.encode()).digest())

    @property
    def created_at(self) -> int:
        """Time of creation, in nanoseconds since 1970."""
        return int(self.value.partition(".")[0])


class BrowserCookies:
    """Reads the extension's cookies from one request, and changes them in its response."""

    def __init__(self, state: ExtensionState, request: Request) -> None:
        """Use the path and domain of the app's session cookie."""
        app, interface = state.app, state.app.session_interface
        self.request: Request = request
        #: The key of the signatures of state cookies.
        self.client_secret: str = state.config.client_secret
        self.path: str = interface.get_cookie_path(app)
        self.domain: str | None = interface.get_cookie_domain(app)
        self.secure: bool = request.is_secure or interface.get_cookie_secure(app)
        #: The OAuth states whose cookies the response deletes.
        self.deleted_states: set[str] = set()
        # With this prefix, neither a sibling host nor plain http can set the cookie (RFC 6265bis).
        is_host_only = self.secure and not self.domain and self.path == "/"
        self.name: str = f"{'__Host-' if is_host_only else ''}altdentifier_{state.client_hash}"

    def get_login_ids(self) -> list[str]:
        """Return the well-formed values of the login cookie, at most `MAX_SAME_NAME`."""
        values = self.request.cookies.getlist(self.name)
        return [value for value in values if _LOGIN_ID.fullmatch(value)][:MAX_SAME_NAME]

    def set_login_id(self, login_id: str, lifetime: float) -> None:
        """Set the login cookie for *lifetime* seconds."""
        self._set(self.name, login_id, lifetime)

    def delete_login_id(self) -> None:
        """Delete the login cookie."""
        self._delete(self.name)
        if self.domain and len(self.request.cookies.getlist(self.name)) > 1:
            # The other cookie was set before the app got a SESSION_COOKIE_DOMAIN.
            self._delete(self.name, host_only=True)

    def get_state_cookies(self) -> list[StateCookie]:
        """Return the state cookies of this browser with a valid signature, oldest first."""
        prefix = self._state_cookie_name("")
        values = {
            value
            for name, value in self.request.cookies.items(multi=True)
            if name.startswith(prefix)
        }
        cookies = (StateCookie.parse(self.client_secret, value) for value in values)
        return sorted(filter(None, cookies), key=lambda cookie: cookie.created_at)

    def set_state_cookie(self, cookie: StateCookie, lifetime: float) -> None:
        """Set a state cookie for *lifetime* seconds."""
        self._set(self._state_cookie_name(cookie.state), cookie.value, lifetime)

    def delete_state_cookie(self, oauth_state: str) -> None:
        """Delete the state cookie of *oauth_state*."""
        self.deleted_states.add(oauth_state)
        self._delete(self._state_cookie_name(oauth_state))

    def _state_cookie_name(self, oauth_state: str) -> str:
        return f"{self.name}_state_{oauth_state[:16]}"

    def _set(self, name: str, value: str, lifetime: float) -> None:
        @after_this_request
        def set_cookie(response: Response) -> Response:
            response.set_cookie(
                name,
                value,
                max_age=math.ceil(lifetime),
                path=self.path,
                domain=self.domain,
                secure=self.secure,
                httponly=True,
                samesite="Lax",
            )
            return response

    def _delete(self, name: str, *, host_only: bool = False) -> None:
        @after_this_request
        def delete_cookie(response: Response) -> Response:
            response.delete_cookie(
                name,
                path=self.path,
                domain=None if host_only else self.domain,
                secure=self.secure,
                httponly=True,
                samesite="Lax",
            )
            return response


def _signature(client_secret: str, signed: str) -> str:
    mac = _hmac(client_secret).copy()
    mac.update(signed.encode())
    return _base64url(mac.digest())


# Cached, because OpenSSL takes longer to set up an HMAC than to compute it: 4% of `/login`.
@lru_cache(maxsize=64)
def _hmac(client_secret: str) -> hmac.HMAC:
    return hmac.new(f"flask-altdentifier state cookie {client_secret}".encode(), digestmod="sha256")


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
