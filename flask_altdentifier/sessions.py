"""Our part of the server-side session: the states of the logins that were begun in it."""

from __future__ import annotations

from flask import current_app, request, session

from .store import store_errors

_KEY = "altdentifier_states"


def listed_states() -> dict[str, int]:
    """Return the states of the logins begun in this session, and when each was made (ns)."""
    states = session.get(_KEY)
    return dict(states) if isinstance(states, dict) else {}  # a key is free to anybody's use


def list_states(states: dict[str, int]) -> None:
    """Keep *states* in the session, or nothing where there are none."""
    if states:
        session[_KEY] = states
    else:
        session.pop(_KEY, None)


def change_id() -> None:
    """Give the session a new id, so that one that was planted before is worth nothing.

    Raises `StoreUnavailable` where the sessions' server does not answer.
    """
    regenerate = getattr(current_app.session_interface, "regenerate", None)
    if regenerate is None or not (session or _has_cookie()):
        return
    # Flask-Session changes no id of an empty session, which may be written to later on.
    states = listed_states()
    session[_KEY] = states
    with store_errors("regenerate"):
        regenerate(session)
    list_states(states)


def _has_cookie() -> bool:
    return current_app.session_interface.get_cookie_name(current_app) in request.cookies
