"""What type checkers infer of users' views: decorators keep signatures, sync and async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response
from flask.views import MethodView
from typing_extensions import assert_type

from flask_altdentifier import (
    READ_USER,
    WRITE_INTEGRATIONS,
    authorize_redirect,
    blueprint,
    integration_url,
    logout,
    protect,
    public,
    requires_scope,
)

app = Flask(__name__)
app.register_blueprint(blueprint, url_prefix="/auth", name="auth")
members = Blueprint("members", __name__)


@requires_scope()
def sync_view(number: int, *, word: str = "") -> str:
    """Return text."""
    return word * number


@requires_scope(READ_USER, WRITE_INTEGRATIONS)
async def async_view(number: int) -> Response:
    """Return a response."""
    return Response(str(number))


@public
def public_view(number: int) -> str:
    """Return text."""
    return str(number)


@app.get("/")
@public
@requires_scope()
@requires_scope("write:integrations")
def stacked() -> dict[str, str]:
    """Return JSON."""
    return {}


class Settings(MethodView):
    """A view that is a class."""

    decorators = [requires_scope(), public]  # noqa: RUF012

    def get(self) -> str:
        """Return text."""
        return ""


async def awaited() -> None:
    """An async view is still one."""
    assert_type(await async_view(1), Response)


assert_type(sync_view(1, word="a"), str)
assert_type(public_view(1), str)
assert_type(stacked(), dict[str, str])
assert_type(protect(members, "read:user"), None)
assert_type(protect(app), None)
assert_type(authorize_redirect(), Response)
assert_type(authorize_redirect("read:user", guild_id=1, next="/"), Response)
assert_type(authorize_redirect(guild_id="1"), Response)
assert_type(integration_url(), str)
assert_type(integration_url(1), str)
assert_type(integration_url("1"), str)
assert_type(logout(), None)

if TYPE_CHECKING:
    # Mistakes are errors. Mypy and pyright also complain about an ignore that is not needed.
    sync_view("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sync_view()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    requires_scope(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    protect("members")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    kept: Callable[[int], str] = public_view
    kept_async: Callable[[int], Awaitable[Response]] = async_view
