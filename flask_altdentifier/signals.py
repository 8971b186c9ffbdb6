"""The blinker signals. The sender is the app, and return values of receivers are ignored.

An exception in a receiver fails the request. If a receiver of `logged_in` raises, the browser is
not logged in.

Example::

    @signals.logged_in.connect_via(app)
    def welcome(app, grant):
        app.logger.info("Somebody logged in and granted %s.", sorted(grant.scope))
"""

from __future__ import annotations

from typing import Any

from blinker import NamedSignal, Namespace
from flask.globals import app_ctx

__all__ = ["logged_in", "logged_out", "login_failed"]

_signals = Namespace()

#: A login succeeded. Sent with `grant`, a `Grant`.
logged_in: NamedSignal = _signals.signal("altdentifier-logged-in")
#: A visitor logged out. Sent with `grant`, the `Grant` that has ended.
logged_out: NamedSignal = _signals.signal("altdentifier-logged-out")
#: A callback was refused or failed. Sent with `error`, an `errors.AltDentifierError`.
login_failed: NamedSignal = _signals.signal("altdentifier-login-failed")


def send(signal: NamedSignal, **values: Any) -> None:
    """Send *signal* from the current app, also to async receivers."""
    app = app_ctx.app
    signal.send(app, _async_wrapper=app.ensure_sync, **values)
