"""Signals (blinker). The sender is the app; what a receiver returns is ignored.

Connect with `@signals.logged_in.connect_via(app)`. A receiver that raises stops the request; one
of `logged_in` that raises refuses the login, and nothing of it is kept.
"""

from __future__ import annotations

from typing import Any

from blinker import NamedSignal, Namespace
from flask.globals import app_ctx

_signals = Namespace()

#: A login was finished. Sent with `grant`, a `Grant`.
logged_in: NamedSignal = _signals.signal("altdentifier-logged-in")
#: A grant of this browser was dropped on its wish. Sent with `grant`, a `Grant`.
logged_out: NamedSignal = _signals.signal("altdentifier-logged-out")
#: A callback was refused or failed. Sent with `error`, an `errors.AltDentifierError`.
login_failed: NamedSignal = _signals.signal("altdentifier-login-failed")


def send(signal: NamedSignal, **values: Any) -> None:
    """Send *signal* from the current app, to async receivers too."""
    app = app_ctx.app
    signal.send(app, _async_wrapper=app.ensure_sync, **values)
