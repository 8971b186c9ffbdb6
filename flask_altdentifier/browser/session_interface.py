"""Server-side sessions in the login store, for apps that do not configure Flask-Session."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from flask import Flask, Request, Response, request
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SessionInterface, SessionMixin

from ..errors import StoreUnavailable
from ..records import Record, Records
from ..state import ExtensionState
from .request_login import get_request_login
from .session import STATES_KEY

if TYPE_CHECKING:  # Flask-Session has no types
    from werkzeug.datastructures import CallbackDict

    # Any, because Flask's methods take a session of any class.
    ServerSideSession: TypeAlias = Any

    class SessionBase(CallbackDict[str, Any], SessionMixin):
        """The part of Flask-Session's class that is used here."""

        def __init__(self, *, sid: str) -> None: ...

    class ServerSideSessionInterface(SessionInterface):
        """The part of Flask-Session's class that is used here."""

        sid_length: int

        def __init__(self, app: Flask, key_prefix: str, *, permanent: bool) -> None: ...
        def _generate_sid(self, length: int) -> str: ...
        def _get_store_id(self, sid: str) -> str: ...
else:
    from flask_session.base import ServerSideSession, ServerSideSessionInterface

    SessionBase = ServerSideSession

_serializer = TaggedJSONSerializer()


class StoreSession(SessionBase):
    """A session that knows whether its last change is stored.

    It is not written if an app only makes it permanent at each request.
    """

    #: The ID before `StoreSessionInterface.regenerate`, whose record is still to be deleted.
    old_sid: str | None = None
    is_stored: bool = False
    _modified: bool = False

    @property
    def modified(self) -> bool:
        """Whether this request has changed the session."""
        return self._modified

    @modified.setter
    def modified(self, value: bool) -> None:
        self._modified, self.is_stored = value, False

    @property
    def permanent(self) -> bool:
        """Whether the session's cookie outlives the browser."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        # An empty session is not stored, so there is nothing to write.
        is_modified = self.modified or (bool(self) and value != self.permanent)
        self["_permanent"] = bool(value)
        self.modified = is_modified


class StoreSessionInterface(ServerSideSessionInterface):
    """Keeps sessions in the login store: one store, one setting.

    While the store is down, sessions are empty, and a response becomes a 503 only if its request
    changed the session.
    """

    session_class = StoreSession

    def __init__(self, app: Flask, state: ExtensionState) -> None:
        # As with Flask's own sessions, `session.permanent` is False unless the app sets it.
        super().__init__(app, key_prefix="", permanent=False)
        self.state: ExtensionState = state

    def open_session(self, app: Flask, request: Request) -> ServerSideSession:
        """Return the session of *request*, empty while the store is down."""
        try:
            return super().open_session(app, request)
        except StoreUnavailable:
            # The app does not see this error, so `current_grant` must still raise it.
            self._records.error_reported = False
            return self.session_class(sid=self._generate_sid(self.sid_length))

    def regenerate(self, session: ServerSideSession) -> None:
        """Set a new ID for *session*. `save_session` deletes the record under the old ID.

        Flask-Session deletes that record here, and loses the session if the store fails afterward.
        """
        session.old_sid = session.old_sid or session.sid
        session.sid = self._generate_sid(self.sid_length)
        session.modified = True

    def save_session(self, app: Flask, session: ServerSideSession, response: Response) -> None:
        """Write the session if it has changed. Replace *response* with a 503 if that fails."""
        old_sid = session.old_sid
        if old_sid and not session:
            session.sid = old_sid  # Flask-Session deletes the record of an empty session
        try:
            super().save_session(app, session, response)
            if old_sid and session:
                self._delete_session(old_sid)
        except StoreUnavailable as error:
            # Flask would answer 500, because it saves sessions outside of its error handling.
            _replace_response(response, app.make_response(app.handle_user_exception(error)))

    def save_with(self, session: ServerSideSession, record: Record) -> None:
        """Write *record*, and with it a session that holds only pending logins.

        `save_session` then only sets the cookie, unless the session changes once more. Raises
        `StoreUnavailable`.
        """
        if not _holds_only_pending_logins(session):
            # The app can still change a list in its session, which the session does not notice.
            self._records.set(*record)
            return
        store_id, ttl = self._get_store_id(session.sid), self.state.config.login_lifetime
        self._records.set_all(record, _session_record(session, store_id, ttl))
        session.is_stored = True

    def should_set_storage(self, app: Flask, session: ServerSideSession) -> bool:  # noqa: ARG002
        """Return whether the session has changed. Ignores `SESSION_REFRESH_EACH_REQUEST`.

        Rewriting an unchanged session would undo the changes of a simultaneous request.
        """
        return bool(session.modified)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:  # noqa: ARG002
        """Return whether the session has changed, because its ID or expiry may be new."""
        return session.modified

    @property
    def _records(self) -> Records:
        return get_request_login(self.state, request).records

    def _retrieve_session_data(self, store_id: str) -> dict[str, Any] | None:
        return self._records.get("session", _hash(store_id), _load_session)

    def _delete_session(self, store_id: str) -> None:
        self._records.delete("session", _hash(store_id))

    def _upsert_session(
        self, session_lifetime: timedelta, session: ServerSideSession, store_id: str
    ) -> None:
        if session.is_stored:
            return
        ttl = session_lifetime.total_seconds()
        if _holds_only_pending_logins(session):
            # Otherwise, anonymous visits to /login would leave sessions that last a month.
            ttl = self.state.config.login_lifetime
        self._records.set(*_session_record(session, store_id, ttl))


def _session_record(session: ServerSideSession, store_id: str, ttl: float) -> Record:
    return "session", _hash(store_id), _serializer.dumps(dict(session)), ttl


def _holds_only_pending_logins(session: ServerSideSession) -> bool:
    return bool(session.keys() <= {STATES_KEY, "_permanent"})


def _load_session(data: Any) -> dict[str, Any]:
    return dict(_serializer.loads(data))


def _hash(store_id: str) -> str:
    # The hash keeps session IDs out of the store, and turns cookies of any length into valid keys.
    return hashlib.sha256(store_id.encode("utf-8", "surrogateescape")).hexdigest()


def _replace_response(response: Response, new: Response) -> None:
    close = getattr(response.response, "close", None)
    if close is not None:
        close()
    # after_request functions have run already, and the app's own error handler may set neither.
    new.headers.setdefault("Cache-Control", "no-store")
    if "Referrer-Policy" in response.headers:
        new.headers.setdefault("Referrer-Policy", response.headers["Referrer-Policy"])
    response.direct_passthrough = False
    response.status_code = new.status_code
    response.headers.clear()
    response.headers.extend(new.headers)
    response.set_data(new.get_data())
