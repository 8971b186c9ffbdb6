"""Calls to AltDentifier's HTTP API as the user who is logged in (RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from flask import request as current_request
from werkzeug.datastructures import Headers

from . import scopes
from .browser import here, is_navigation
from .current import end, live
from .errors import (
    AltDentifierError,
    InsufficientScope,
    LoginRequired,
    ProviderError,
    ProviderUnavailable,
    log,
)
from .grant import Grant
from .installed import installed
from .integration import snowflake

if TYPE_CHECKING:
    from .transport import Response

#: Longest `TrustFactor.text`, in characters.
MAX_TEXT = 100

_FAILED = "A call to AltDentifier's API failed: %s."
_METHOD = re.compile(r"[A-Za-z]+")
_URL = re.compile(r"[!-~]+")
_TARGET = re.compile(r"/(?!/)[^\\#]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
_OURS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True)
class TrustFactor:
    """How much AltDentifier trusts a Discord account."""

    #: 0 (very distrusted) to 3 (very trusted).
    level: int
    #: AltDentifier's words for it, printable and at most `MAX_TEXT` characters long.
    text: str


class API:
    """Bearer calls to `ALTDENTIFIER_BASE_URL`, with the grant of the browser that is served.

    Each call takes `ALTDENTIFIER_TIMEOUT` seconds at most; redirects are returned, not followed.
    """

    __slots__ = ()

    def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request, once, and return its response: `.status`, `.headers`, `.data`,
        `.json()`.

        *url* is a path that begins with one `/`, or a URL of `ALTDENTIFIER_BASE_URL`; either is
        percent-encoded already and has no fragment. The body is *json*, a JSON value, or *data*.

        Raises, before anything is sent, `ValueError` for another URL, for a header that is
        malformed or not for the caller to set, and for *json* with *data*; `TypeError` for a body
        of another type; and `LoginRequired` where nobody is logged in.

        Raises `LoginRequired` for a 401, which ends the grant for good as a logout does;
        `InsufficientScope` for a 403; `ProviderUnavailable` for 429 and 503; `ProviderError` for
        any other status from 500 on, and for no response or one above 64 kB; `ProviderTimeout`;
        `StoreUnavailable`. Any other response is returned.
        """
        if not _METHOD.fullmatch(method):
            raise ValueError("a method is a word, such as 'GET'")
        ours = installed()
        target = _target(url, ours.settings.base_url)
        body = _body(json, data)
        sent = _headers(headers or {}, is_json=json is not None)
        grant = live()
        if grant is None:
            raise LoginRequired(next=_here())
        sent.set("Authorization", f"Bearer {grant.access_token}")
        try:
            response = ours.transport.request(
                method.upper(), target, headers=dict(sent.items()), body=body
            )
            _check(response, grant)
        except AltDentifierError as error:
            log(_FAILED, error)
            raise
        return response

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Send a GET; see `request`."""
        return self.request("GET", url, headers=headers)

    def post(
        self,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a POST; see `request`."""
        return self.request("POST", url, json=json, data=data, headers=headers)

    def put(
        self,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a PUT; see `request`."""
        return self.request("PUT", url, json=json, data=data, headers=headers)

    def patch(
        self,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a PATCH; see `request`."""
        return self.request("PATCH", url, json=json, data=data, headers=headers)

    def delete(
        self,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a DELETE; see `request`."""
        return self.request("DELETE", url, json=json, data=data, headers=headers)

    def trust_factor(self, user_id: str | int) -> TrustFactor | None:
        """Return how much AltDentifier trusts a Discord account, None where it knows none such.

        *user_id* is the account's snowflake. Raises `ValueError` for what is no snowflake,
        `ProviderError` for an answer that is none, and what `request` raises.
        """
        response = self.get(f"/api/v2/user/{snowflake(user_id)}/trustfactor")
        if response.status == 404:
            return None
        try:
            return _trust_factor(response)
        except ValueError:
            log(_FAILED, ProviderError)
            raise ProviderError from None


#: The API of AltDentifier, as the user who is logged in.
api: API = API()


def _target(url: str, base_url: str) -> str:
    """Return path and query of *url*.

    Raises `ValueError` where it is not below *base_url*. The connection goes there in any case.
    """
    if not _URL.fullmatch(url):
        raise ValueError("a URL is printable ASCII; percent-encode the rest: urllib.parse.quote()")
    target = url
    if not url.startswith("/"):
        parts = urlsplit(url)
        if "@" in parts.netloc or _origin(parts) != _origin(urlsplit(base_url)):
            raise ValueError(f"only {base_url} is sent the user's token")
        target = url[url.index("://") + 3 + len(parts.netloc) :]
        if not target.startswith("/"):
            target = f"/{target}"
    if not _TARGET.fullmatch(target):
        raise ValueError("a path begins with one '/', and has neither a backslash nor a fragment")
    return target


def _origin(parts: SplitResult) -> tuple[str, bool, str | None, int | None]:
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = default if parts.port is None else parts.port
    # Python 3.10 takes any name between the brackets of an IPv6 address.
    return parts.scheme, "[" in parts.netloc, parts.hostname, port


def _body(json: Any, data: bytes | None) -> bytes | None:
    if json is None:
        if data is not None and not isinstance(data, bytes):
            raise TypeError("data= takes bytes: text.encode(), or json= for a JSON value")
        return data
    if data is not None:
        raise ValueError("give json or data, not both")
    return dumps(json, allow_nan=False).encode()


def _headers(headers: Mapping[str, str], *, is_json: bool) -> Headers:
    sent = Headers({"Accept": "application/json"})
    if is_json:
        sent.set("Content-Type", "application/json")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("a header's name is printable ASCII without a space and ':'")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {name} is not printable ASCII text")
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} is not for the caller to set")
        sent.set(name, value)
    return sent


def _check(response: Response, grant: Grant) -> None:
    status = response.status
    if status == 401:
        end()
        raise LoginRequired(next=_here())
    if status == 403:
        missing = {scopes.READ_USER, scopes.WRITE_INTEGRATIONS} - grant.scope
        raise InsufficientScope(missing, next=_here())
    if status in {429, 503}:
        # Not at the top: it imports Authlib.
        from .provider import retry_after

        raise ProviderUnavailable(retry_after=retry_after(response))
    if status >= 500:
        raise ProviderError


def _here() -> str | None:
    """Return where a login should come back to, if a page was asked for."""
    return here(current_request) if is_navigation(current_request) else None


def _trust_factor(response: Response) -> TrustFactor:
    if response.status != 200:
        raise ValueError(response.status)
    members = response.json()
    if not isinstance(members, dict):
        raise ValueError("not an object")
    level, text = members.get("trustfactor"), members.get("formatted_trustfactor")
    if type(level) is not int or not 0 <= level <= 3:
        raise ValueError("trustfactor")
    # Not printable are control characters and lone surrogates: they would break a page.
    if not isinstance(text, str) or len(text) > MAX_TEXT or not text.isprintable():
        raise ValueError("formatted_trustfactor")
    return TrustFactor(level, text)
