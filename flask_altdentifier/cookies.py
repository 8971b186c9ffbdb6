"""Our two kinds of cookie: one that vouches for each pending login, and one for the login.

Each is written by one flow alone, so a slow request of the same browser cannot undo it.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any

from flask import Response, after_this_request, current_app, request
from flask.globals import app_ctx

from .installed import installed

# The time of issue in nanoseconds, and 256 random bits.
_VOUCHER = re.compile(r"([0-9]{1,19})\.[A-Za-z0-9_-]{43}")
_LOGIN_ID = re.compile(r"[A-Za-z0-9_-]{43}")


def new_login_id() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def new_voucher() -> str:
    """Return the value of a cookie that can vouch for one state: `state_of` it."""
    return f"{time.time_ns()}.{secrets.token_urlsafe(32)}"


def state_of(voucher: str) -> str:
    """Return the state for which *voucher* vouches: its hash, so nobody can go back from it."""
    digest = hashlib.sha256(voucher.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def issued_at(voucher: str) -> int:
    """Return when *voucher* was made, in nanoseconds since 1970."""
    return int(voucher.partition(".")[0])


def vouched_states() -> dict[str, int]:
    """Return the states for which this browser's cookies vouch, and when each was made."""
    prefix = _state_cookie("")
    states = {}
    for name, value in request.cookies.items(multi=True):
        if name.startswith(prefix) and _VOUCHER.fullmatch(value):
            state = state_of(value)
            if name == _state_cookie(state):  # else it was planted, and `unvouch` would miss it
                states[state] = issued_at(value)
    return states


def vouch(voucher: str) -> None:
    """Give the browser the cookie for one pending login."""
    _set(_state_cookie(state_of(voucher)), voucher, installed().settings.login_lifetime)


def unvouch(state: str) -> None:
    """Take back the cookie for one pending login."""
    _delete(_state_cookie(state))


def login_ids() -> list[str]:
    """Return the login ids that this browser shows: more than one where one was planted.

    What has not the form of one is left out.
    """
    values = request.cookies.getlist(_login_cookie())
    return [value for value in values if _LOGIN_ID.fullmatch(value)]


def login_id() -> str | None:
    """Return the login id that counts, or None."""
    return next(iter(login_ids()), None)


def set_login_id(value: str, lifetime: float) -> None:
    """Give the browser a login id, for *lifetime* seconds."""
    _set(_login_cookie(), value, math.ceil(lifetime))


def delete_login_id() -> None:
    """Take the login id back."""
    _delete(_login_cookie())


def _login_cookie() -> str:
    names, secure = installed().cookie_names, request.is_secure
    if secure not in names:
        names[secure] = _login_cookie_name()
    return names[secure]


def _login_cookie_name() -> str:
    app, prefix = current_app, ""
    interface = app.session_interface
    if _secure() and not interface.get_cookie_domain(app) and interface.get_cookie_path(app) == "/":
        prefix = "__Host-"  # no other host and no plain http can plant it (RFC 6265bis)
    return f"{prefix}altdentifier_{installed().settings.client_hash}"


def _state_cookie(state: str) -> str:
    return f"{_login_cookie()}_state_{state[:16]}"


def _secure() -> bool:
    return request.is_secure or current_app.session_interface.get_cookie_secure(current_app)


def _set(name: str, value: str, max_age: int) -> None:
    options = _options()

    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(name, value, max_age=max_age, **options)
        return response


def _delete(name: str) -> None:
    options = _options()

    @after_this_request
    def delete_cookie(response: Response) -> Response:
        response.delete_cookie(name, **options)
        return response


def _options() -> dict[str, Any]:
    app = app_ctx.app
    interface = app.session_interface
    return {
        "httponly": True,
        "samesite": "Lax",
        "secure": _secure(),
        "path": interface.get_cookie_path(app),
        "domain": interface.get_cookie_domain(app),
    }
