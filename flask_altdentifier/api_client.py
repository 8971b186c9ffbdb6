"""Calls to AltDentifier's HTTP API with a bearer token (RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import dumps
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from flask import has_request_context, request
from werkzeug.datastructures import Headers

from .browser.request_login import get_request_login
from .current_grant import end_login, get_usable_grant
from .errors import (
    AltDentifierError,
    InsufficientScope,
    LoginRequired,
    ProviderError,
    ProviderUnavailable,
    log,
)
from .grant import Grant
from .http.response import ApiResponse
from .http.retry_after import retry_after
from .integration import snowflake
from .navigation import current_path, is_navigation
from .scopes import DOCUMENTED_SCOPE_NAMES
from .state import ExtensionState, get_state

T = TypeVar("T")

#: Longest `TrustFactor.text`, in characters.
MAX_TEXT = 100

_METHOD = re.compile(r"[A-Za-z]+")
_URL = re.compile(r"[!-~]+")
_TARGET = re.compile(r"/(?!/)[^\\#]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
#: Headers that the transport sets, or that would change how a connection is used.
_RESERVED_HEADERS = frozenset(
    "accept-encoding authorization connection content-length expect host te trailer "
    "transfer-encoding upgrade".split()
)


@dataclass(frozen=True)
class TrustFactor:
    """How much AltDentifier trusts a Discord account."""

    #: 0 (very distrusted) to 3 (very trusted). Compare levels, not texts.
    level: int
    #: AltDentifier's words for the level, printable and at most 100 characters.
    text: str


class API:
    """Bearer calls to `ALTDENTIFIER_BASE_URL` as the logged-in user.

    Each call takes at most `ALTDENTIFIER_TIMEOUT` seconds. Redirects are returned, not followed.
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
    ) -> ApiResponse:
        """Send one request, once, and return its response.

        Args:
            method: An HTTP method, such as `"GET"`.
            url: A path that begins with one `/`, or a URL of `ALTDENTIFIER_BASE_URL`,
                percent-encoded and without a fragment.
            json: A JSON value to send as the body.
            data: Bytes to send as the body, instead of *json*.
            headers: Headers to send.

        Raises, before anything is sent, `ValueError` or `TypeError` for an invalid argument and
        `errors.LoginRequired` if nobody is logged in. Raises `errors.LoginRequired` for a 401, which
        ends the login, `errors.InsufficientScope` for a 403, `errors.ProviderUnavailable` for 429
        and 503, `errors.ProviderError` for any other status from 500 on and for an invalid
        response, `errors.ProviderTimeout`, and `errors.StoreUnavailable`.

        Example::

            api.request("DELETE", "/api/v2/something/1").status
        """
        state = get_state()
        call = _prepare(state, method, url, json=json, data=data, headers=headers)
        grant = _current_grant(state)
        if grant is None:
            raise LoginRequired(login_url=_login_url(state))
        return _send(state, call, grant, lambda response: response)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """Send a GET; see `request`. Example: `api.get("/api/v2/something").json()`."""
        return self.request("GET", url, headers=headers)

    def post(
        self,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """Send a POST; see `request`. Example: `api.post("/api/v2/something", json={"a": 1})`."""
        return self.request("POST", url, json=json, data=data, headers=headers)

    def trust_factor(self, user_id: str | int) -> TrustFactor | None:
        """Return how much AltDentifier trusts a Discord account, or None if it does not know it.

        Works wherever an app context is active, also in webhook handlers, commands and jobs. It
        sends the visitor's token if somebody is logged in, and no token otherwise.

        Args:
            user_id: The account's Discord ID.

        Raises `ValueError` if *user_id* is not a Discord ID, and what `request` raises.

        Example::

            factor = api.trust_factor(80351110224678912)
            if factor is not None and factor.level >= 2: ...
        """
        state = get_state()
        call = _prepare(state, "GET", f"/api/v2/user/{snowflake(user_id)}/trustfactor")
        return _send(state, call, _current_grant(state), _read_trust_factor)


#: Calls to AltDentifier's API.
api: API = API()


@dataclass(frozen=True)
class _Call:
    """A call whose arguments are valid."""

    method: str
    #: Path and query.
    target: str
    headers: Headers
    body: bytes | None


def _prepare(
    state: ExtensionState,
    method: str,
    url: str,
    *,
    json: Any = None,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> _Call:
    if not _METHOD.fullmatch(method):
        raise ValueError("a method is a word, such as 'GET'")
    return _Call(
        method.upper(),
        _target(url, state.config.base_url),
        _headers(headers or {}, is_json=json is not None),
        _body(json, data),
    )


def _current_grant(state: ExtensionState) -> Grant | None:
    return get_usable_grant(state) if has_request_context() else None


def _send(
    state: ExtensionState, call: _Call, grant: Grant | None, read: Callable[[ApiResponse], T]
) -> T:
    """Send *call* and return what *read* makes of its response."""
    if grant is not None:
        call.headers.set("Authorization", f"Bearer {grant.access_token}")
    try:
        return state.transport.request(
            call.method,
            call.target,
            headers=dict(call.headers.items()),
            body=call.body,
            read=lambda response: read(_accepted(state, response, grant)),
        )
    except AltDentifierError as error:
        log("A call to AltDentifier's API failed: %s", error)
        raise


def _accepted(state: ExtensionState, response: ApiResponse, grant: Grant | None) -> ApiResponse:
    """Return *response*, or raise the error that its status stands for."""
    status = response.status
    if status == 401:
        if grant is not None:
            end_login(get_request_login(state, request))
        raise LoginRequired(login_url=_login_url(state))
    if status == 403:
        missing = DOCUMENTED_SCOPE_NAMES - (grant.scope if grant is not None else frozenset())
        raise InsufficientScope(missing, login_url=_login_url(state, frozenset(missing)))
    if status in {429, 503}:
        raise ProviderUnavailable(provider_status=status, retry_after=retry_after(response))
    if status >= 500:
        raise ProviderError(provider_status=status)
    return response


def _login_url(state: ExtensionState, scopes: frozenset[str] = frozenset()) -> str | None:
    """Return where a login starts that comes back here, if a page was requested."""
    if not has_request_context():
        return None
    return state.login_url(current_path(request) if is_navigation(request) else None, scopes)


def _target(url: str, base_url: str) -> str:
    """Return path and query of *url*. Raises `ValueError` if it is not a URL of *base_url*."""
    if not _URL.fullmatch(url):
        raise ValueError("a URL is printable ASCII; percent-encode the rest: urllib.parse.quote()")
    target = url
    if not url.startswith("/"):
        parts = urlsplit(url)
        if "@" in parts.netloc or _origin(parts) != _origin(urlsplit(base_url)):
            raise ValueError(f"the user's token is only sent to {base_url}")
        target = url[url.index("://") + 3 + len(parts.netloc) :]
        if not target.startswith("/"):
            target = f"/{target}"
    if not _TARGET.fullmatch(target):
        raise ValueError("a path begins with one '/', and has neither a backslash nor a fragment")
    return target


def _origin(parts: SplitResult) -> tuple[str, bool, str | None, int | None]:
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = default if parts.port is None else parts.port
    # Python 3.10 accepts any name between the brackets of an IPv6 address.
    return parts.scheme, "[" in parts.netloc, parts.hostname, port


def _body(json: Any, data: bytes | None) -> bytes | None:
    if json is None:
        if data is not None and not isinstance(data, bytes):
            raise TypeError("data must be bytes: use text.encode(), or json for a JSON value")
        return data
    if data is not None:
        raise ValueError("give json or data, not both")
    return dumps(json, allow_nan=False).encode()


def _headers(headers: Mapping[str, str], *, is_json: bool) -> Headers:
    result = Headers({"Accept": "application/json"})
    if is_json:
        result.set("Content-Type", "application/json")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("a header's name is printable ASCII without a space and ':'")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {name} is not printable ASCII text")
        if name.lower() in _RESERVED_HEADERS:
            raise ValueError(f"the header {name} is set by the transport")
        result.set(name, value)
    return result


def _read_trust_factor(response: ApiResponse) -> TrustFactor | None:
    if response.status == 404:
        return None
    try:
        return _parse_trust_factor(response)
    except ValueError as error:
        cause = type(error).__name__
        raise ProviderError(provider_status=response.status, cause=cause) from None


def _parse_trust_factor(response: ApiResponse) -> TrustFactor:
    if response.status != 200:
        raise ValueError("status")
    members = response.json()
    if not isinstance(members, dict):
        raise ValueError("not an object")
    level, text = members.get("trustfactor"), members.get("formatted_trustfactor")
    if type(level) is not int or not 0 <= level <= 3:
        raise ValueError("trustfactor")
    # Control characters and lone surrogates would break a page.
    if not isinstance(text, str) or len(text) > MAX_TEXT or not text.isprintable():
        raise ValueError("formatted_trustfactor")
    return TrustFactor(level, text)
