"""Calls to AltDentifier's HTTP API with a bearer token (RFC 6750)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import has_request_context, request

from .browser.request_login import get_request_login
from .discord_id import validate_discord_id
from .errors import (
    AltDentifierError,
    InsufficientScope,
    LoginRequired,
    ProviderError,
    ProviderUnavailable,
    log,
)
from .grant import Grant
from .http.request import ApiRequest, build_request
from .http.response import ApiResponse
from .http.retry_after import retry_after
from .navigation import current_path, is_navigation
from .scopes import DOCUMENTED_SCOPE_NAMES
from .state import ExtensionState, get_state

T = TypeVar("T")

#: Longest `TrustFactor.text`, in characters.
MAX_TEXT = 100


@dataclass(frozen=True)
class TrustFactor:
    """How much AltDentifier trusts a Discord account.

    Example::

        api.trust_factor(80351110224678912) == TrustFactor(3, "Very Trusted")
    """

    #: 0 (very distrusted) to 3 (very trusted). Compare levels, not texts.
    level: int
    #: AltDentifier's words for the level, printable and at most 100 characters, or empty.
    text: str


class API:
    """Calls to AltDentifier's HTTP API at `ALTDENTIFIER_BASE_URL`, as the logged-in user.

    Each call lasts at most `ALTDENTIFIER_TIMEOUT` seconds. Redirects are returned, not followed.
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
            url: A path that starts with one `/`, or a URL of `ALTDENTIFIER_BASE_URL`. It is
                percent-encoded and has no fragment.
            json: A JSON value to send as the body.
            data: Bytes to send as the body, instead of *json*.
            headers: Headers to send.

        Returns:
            The response, with any status below 500 but 401, 403 and 429.

        Raises:
            ValueError: An argument is not valid. Nothing was sent.
            TypeError: *data* is not `bytes`. Nothing was sent.
            LoginRequired: Nobody is logged in, or AltDentifier answered 401, which ends the login.
            InsufficientScope: AltDentifier answered 403.
            ProviderUnavailable: AltDentifier answered 429 or 503.
            ProviderError: AltDentifier answered with another status from 500 on, or its response
                was not valid.
            ProviderTimeout: `ALTDENTIFIER_TIMEOUT` has passed.
            StoreUnavailable: The store did not answer.

        Example::

            api.request("DELETE", "/api/v2/something/1").status
        """
        state = get_state()
        api_request = build_request(
            state.config.base_url, method, url, json=json, data=data, headers=headers
        )
        grant = _current_grant(state)
        if grant is None:
            raise LoginRequired(login_url=_login_url(state))
        return _send(state, api_request, grant, lambda response: response)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> ApiResponse:
        """Send a GET as `request` does. Example: `api.get("/api/v2/something").json()`."""
        return self.request("GET", url, headers=headers)

    def post(
        self,
        url: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """Send a POST as `request` does. Example: `api.post("/api/v2/x", json={"a": 1})`."""
        return self.request("POST", url, json=json, data=data, headers=headers)

    def trust_factor(self, user_id: str | int) -> TrustFactor | None:
        """Return how much AltDentifier trusts a Discord account.

        Needs only an app context, so webhook handlers, commands and jobs can call it too. If the
        visitor is logged in, the request has the visitor's token, and otherwise no token.

        Args:
            user_id: The account's Discord ID.

        Returns:
            The trust factor, or None if AltDentifier does not know the account.

        Raises:
            ValueError: *user_id* is not a Discord ID.
            LoginRequired: AltDentifier answered 401. Other statuses raise as in `request`.

        Example::

            factor = api.trust_factor(80351110224678912)
            if factor is not None and factor.level >= 2: ...
        """
        state = get_state()
        target = f"/api/v2/user/{validate_discord_id(user_id)}/trustfactor"
        api_request = build_request(state.config.base_url, "GET", target)
        return _send(state, api_request, _current_grant(state), _read_trust_factor)


#: Calls to AltDentifier's API.
api: API = API()


def _current_grant(state: ExtensionState) -> Grant | None:
    return get_request_login(state, request).get_usable_grant() if has_request_context() else None


def _send(
    state: ExtensionState,
    api_request: ApiRequest,
    grant: Grant | None,
    read: Callable[[ApiResponse], T],
) -> T:
    """Send a request with the token of *grant*, and return what *read* makes of the response."""
    if grant is not None:
        api_request.headers.set("Authorization", f"Bearer {grant.access_token}")
    try:
        return state.transport.request(
            api_request.method,
            api_request.target,
            headers=dict(api_request.headers.items()),
            body=api_request.body,
            read=lambda response: read(_accepted(state, response, grant)),
        )
    except AltDentifierError as error:
        log("A call to AltDentifier's API failed: %s", error)
        # Without the frames of the transport: error trackers record local variables, and the token
        # is in the headers.
        raise error.with_traceback(None) from None


def _accepted(state: ExtensionState, response: ApiResponse, grant: Grant | None) -> ApiResponse:
    """Return *response*. Raises the error of its status if it has one."""
    status = response.status
    if status == 401:
        if grant is not None:
            get_request_login(state, request).end()
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
    """Return the path of `/login`, with this page as `next` if a browser navigates to it."""
    if not has_request_context():
        return None
    return state.login_url(current_path(request) if is_navigation(request) else None, scopes)


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
    # Control characters and lone surrogates would break a page, and only the level counts.
    if not isinstance(text, str) or len(text) > MAX_TEXT or not text.isprintable():
        text = ""
    return TrustFactor(level, text)
