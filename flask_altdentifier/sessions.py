"""Our part of the server-side session: the states of the logins that were begun in it."""

from __future__ import annotations

from flask import current_app, session

from .store import answering

_KEY = "altdentifier_states"


def listed_states() -> dict[str, int]:
    """Return the states of the logins begun in this session, and when each was made (ns)."""
    return dict(session.get(_KEY, {}))


def list_states(states: dict[str, int]) -> None:
    """Keep *states* in the session, or nothing where there are none."""
    if states:
        session[_KEY] = states
    else:
        session.pop(_KEY, None)


def change_id() -> None:
    """Give the session a new id, so that one that was planted before is worth nothing.

    A session that is empty by now has no record, and so no id to change. Raises
    `StoreUnavailable` where the sessions' server does not answer.
    """
    regenerate = getattr(current_app.session_interface, "regenerate", None)
    if session and regenerate is not None:
        with answering("regenerate"):
            regenerate(session)
