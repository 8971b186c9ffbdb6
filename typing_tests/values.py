"""What type checkers infer of grants, responses, stores, events and errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Flask
from typing_extensions import assert_type

from flask_altdentifier import (
    ApiResponse,
    Grant,
    TrustFactor,
    api,
    current_grant,
    errors,
    logout_all,
    signals,
    stores,
    webhooks,
)

app = Flask(__name__)


def grant() -> None:
    """The proxy is a grant to a type checker."""
    assert_type(current_grant, Grant)
    assert_type(current_grant.access_token, str)
    assert_type(current_grant.refresh_token, str | None)
    assert_type(current_grant.scope, frozenset[str])
    assert_type(current_grant.requested_scope, frozenset[str])
    assert_type(current_grant.expires_at, datetime)
    assert_type(current_grant.expired, bool)
    assert_type(current_grant.covers("read:user", "write:integrations"), bool)
    assert_type(bool(current_grant), bool)
    current_grant.scope = frozenset()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def calls() -> None:
    """Responses of the API."""
    response: ApiResponse = api.get("/api/v2/user/1/trustfactor", headers={"Accept": "*/*"})
    assert_type(response.status, int)
    assert_type(response.data, bytes)
    assert_type(response.json(), Any)
    assert_type(response.headers["Content-Type"], str)
    assert_type(api.post("/", json={"a": 1}), ApiResponse)
    assert_type(api.request("PUT", "/", data=b""), ApiResponse)
    trust = api.trust_factor(1)
    assert_type(trust, TrustFactor | None)
    assert_type(logout_all(), int)
    if trust is not None:
        assert_type(trust.level, int)
        assert_type(trust.text, str)
    api.get("/", data=b"")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class OwnStore:
    """A store of an app, which does not inherit from ours."""

    def get(self, key: str) -> str | None:
        """Return nothing."""

    def set(self, key: str, value: str, ttl: float) -> None:
        """Keep nothing."""

    def pop(self, key: str) -> str | None:
        """Return nothing."""

    def delete(self, key: str) -> None:
        """Delete nothing."""

    def clear(self, prefix: str) -> int:
        """Delete nothing."""
        return 0


every_store: list[stores.Store] = [
    OwnStore(),
    stores.MemoryStore(),
    stores.SQLiteStore("logins.sqlite3"),
]


@webhooks.on(app, webhooks.Op.PASSED)
def passed(event: webhooks.Event) -> int:
    """A handler keeps its type, whatever it returns."""
    assert_type(event.op, webhooks.Op | None)
    assert_type(event.member, webhooks.Member | None)
    assert_type(event.guild, webhooks.Guild | None)
    assert_type(event.method, webhooks.Method | None)
    assert_type(event.action, webhooks.Action | None)
    assert_type(event.reason, str | None)
    assert_type(event.timeout_role, str | None)
    assert_type(event.incorrect_account, webhooks.Member | None)
    assert_type(event.raw, Mapping[str, Any])
    return 1


@webhooks.on(app)
async def every(event: webhooks.Event) -> None:
    """An async handler is one too."""
    assert_type(webhooks.Event.from_raw(dict(event.raw)), webhooks.Event)


@signals.logged_in.connect_via(app)
def logged_in(_sender: Flask, grant: Grant, **_: Any) -> None:
    """A receiver."""


@app.errorhandler(errors.InsufficientScope)
def insufficient(error: errors.InsufficientScope) -> tuple[str, int]:
    """An error has its data."""
    assert_type(error.missing_scopes, list[str])
    assert_type(error.reason, str)
    assert_type(error.title, str)
    assert_type(error.login_url, str | None)
    assert_type(error.problem(), dict[str, Any])
    return error.detail, 403


@app.errorhandler(errors.ProviderUnavailable)
def unavailable(error: errors.ProviderUnavailable) -> str:
    """A failure of AltDentifier has its facts."""
    assert_type(error.retry_after, str | None)
    assert_type(error.provider_status, int | None)
    assert_type(error.oauth_error, str | None)
    return error.title


assert_type(passed(webhooks.Event()), int)
assert_type(webhooks.digest("secret", b""), str)

if TYPE_CHECKING:
    # A store needs all five methods.
    every_store.append(object())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    # A handler takes an event, and nothing else.
    @webhooks.on(app)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportUntypedFunctionDecorator]
    def wrong(event: int) -> None:
        """Not a handler."""
