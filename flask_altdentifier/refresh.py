"""Refreshes a grant (RFC 6749 section 6), where `ALTDENTIFIER_REFRESH` is on.

The record of a login is written once, when it begins, and its end is the login's end: so a refresh
that is under way cannot undo a logout. What a refresh brings is a record beside it. Who takes the
login's ticket out of the store sends the refresh request, and puts the ticket back; the others
wait for what it brings.
"""

from __future__ import annotations

import time

from .errors import CodeRejected, ProviderTimeout
from .grant import Grant
from .installed import installed

#: Seconds for which a login can be refreshed after its first access token has ended: 30 days.
LIFETIME = 30 * 86_400
#: Seconds between two looks of those who wait.
_PAUSE = 0.05


def lifetime(grant: Grant) -> float:
    """Return the seconds for which the login that *grant* began can last from now on."""
    left = grant.expires_at.timestamp() - time.time()
    return left + LIFETIME if _is_refreshable(grant) else left


def prepare(name: str, grant: Grant) -> None:
    """Make the login *name*, which begins with *grant*, one that can be refreshed."""
    if _is_refreshable(grant):
        _put_ticket(name, grant)


def forget(name: str) -> None:
    """Drop what is kept for refreshing the login *name*, which has ended."""
    if installed().settings.refresh:
        installed().store.drop("refreshed", name)
        installed().store.drop("ticket", name)


def latest(name: str, first: Grant) -> Grant | None:
    """Return the live grant of the login *name*, which began with *first*.

    Where it has ended it is refreshed, once for all who ask at the same time. None where
    AltDentifier refuses, where a logout comes before it answers, and where the worker that was to
    refresh it has died. Raises what `Provider.refresh` raises for other failures, and
    `ProviderTimeout` where another worker is still at it after `ALTDENTIFIER_TIMEOUT`, and for as
    long after a refresh that took so long; then it can be tried again.
    """
    if first or lifetime(first) <= 0:
        return first
    store, timeout = installed().store, installed().settings.timeout
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if grant := _refreshed(name, first):
            return grant
        if time.monotonic() < installed().refresh_after:
            raise ProviderTimeout
        if store.take("ticket", name, bool):
            try:
                store.put("refreshing", name, True, timeout)
                brought = _refresh(name, first)
            finally:
                lives = _put_back(name, first)
            return brought if lives else None
        time.sleep(_PAUSE)
        if not store.get("grant", name, bool):
            return None
    if store.get("refreshing", name, bool):
        raise ProviderTimeout
    store.drop("grant", name)  # whoever took the ticket has died with it
    forget(name)
    return None


def _put_back(name: str, first: Grant) -> bool:
    """Put the ticket back; tell whether the login *name* has lived through its refresh."""
    _put_ticket(name, first)
    lives = installed().store.get("grant", name, bool) is not None
    if not lives:
        forget(name)
    return lives


def _refresh(name: str, first: Grant) -> Grant | None:
    """Refresh, as the one who holds the ticket; another may have done so just before."""
    grant = _refreshed(name, first)
    if grant:
        return grant
    ours = installed()
    try:
        grant = ours.provider.refresh(grant)
    except CodeRejected:
        ours.store.drop("grant", name)
        return None
    except ProviderTimeout:
        # Else each page of everybody whose token has ended would hold a worker as long.
        ours.refresh_after = time.monotonic() + ours.settings.timeout
        raise
    ours.store.put("refreshed", name, grant.to_record(), lifetime(first))
    return grant


def _refreshed(name: str, first: Grant) -> Grant:
    newer = installed().store.get("refreshed", name, Grant.from_record)
    return first if newer is None else newer


def _is_refreshable(grant: Grant) -> bool:
    return installed().settings.refresh and grant.refresh_token is not None


def _put_ticket(name: str, first: Grant) -> None:
    installed().store.put("ticket", name, True, lifetime(first))
