"""Our part of the server-side session: the OAuth states of the logins that were started in it."""

from __future__ import annotations

import logging
from typing import Any

from flask import current_app, request, session

from ..errors import StoreUnavailable
from ..navigation import without_proxy
from ..records import Record, Records

logger: logging.Logger = logging.getLogger("flask_altdentifier")

#: The session's key for the OAuth states of the logins that were started in it.
STATES_KEY = "altdentifier_states"


def get_session_states() -> list[str]:
    """Return the OAuth states of the logins that were started in this session, oldest first."""
    states = session.get(STATES_KEY)
    # The app and other extensions can write any value under any key.
    return [state for state in states if isinstance(state, str)] if type(states) is list else []


def set_session_states(states: list[str]) -> None:
    """Write *states* to the session. An empty list removes the key."""
    if states:
        session[STATES_KEY] = states
    else:
        session.pop(STATES_KEY, None)


def save_session_states(states: list[str], records: Records, record: Record) -> None:
    """Write *states* to the session, and *record* to the store.

    Writes both in one round trip if the session is in the same store.
    """
    interface: Any = current_app.session_interface
    was_modified = session.modified
    set_session_states(states)
    try:
        if hasattr(interface, "save_now"):  # it is `StoreSessionInterface`
            interface.save_now(without_proxy(session), record)
        else:
            records.set(*record)
    except Exception:
        # Otherwise, our own change would fail once more at the end of the request, and replace the
        # error response. A change by the app must not be lost in silence.
        session.modified = was_modified
        raise


def regenerate_session_id() -> None:
    """Regenerate the session ID to prevent session fixation.

    Raises `StoreUnavailable` if the server that keeps the sessions does not answer.
    """
    interface: Any = current_app.session_interface
    has_session = session or interface.get_cookie_name(current_app) in request.cookies
    if not has_session or not hasattr(interface, "regenerate"):
        return
    if hasattr(interface, "save_now"):
        # Flask-SocketIO's copy of a session has no ID, and no response that could set a cookie.
        if hasattr(session, "sid"):
            interface.regenerate(without_proxy(session))
        return
    states = get_session_states()
    session[STATES_KEY] = states  # Flask-Session does not regenerate the ID of an empty session
    try:
        interface.regenerate(session)
    except Exception as error:
        logger.error("store_unavailable (cause %s in regenerate)", type(error).__name__)
        raise StoreUnavailable from None
    set_session_states(states)
