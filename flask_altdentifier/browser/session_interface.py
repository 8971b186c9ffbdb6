"""Server-side sessions in the login store, for apps that do not configure Flask-Session."""

from __future__ import annotations

import hashlib
from copy import deepcopy
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
    """A session that is written if the app assigns to it, unless `save_now` has just written it."""

    #: Whether this request has changed the session.
    modified: bool
    #: Whether the store did not answer, so that the session reads as empty.
    is_unread: bool = False
    #: The content that `StoreSessionInterface.save_now` has written. An empty one has no record.
    saved: dict[str, Any] | None = None

    def pop(self, key: str, *default: Any) -> Any:
        """Delete and return a value."""
        if self.is_unread:
            # The value may be in the store. If it says who is logged in to the app, a response
            # other than 503 would say that the app has logged them out.
            self.modified = True
        return super().pop(key, *default)

    @property
    def permanent(self) -> bool:
        """Whether the session's cookie outlives the browser."""
        return bool(self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        # Apps may set it at each request. An empty session is not stored.
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
            session = self.session_class(sid=self._generate_sid(self.sid_length))
            session.is_unread = True
            return session

    def save_now(self, session: ServerSideSession, *records: Record) -> None:
        """Write *records* and *session*, in one round trip if the store can.

        A login and a logout call it, because a store that fails after the view would leave them
        half done. `save_session` then writes the session only if its content has changed once more.
        Raises `StoreUnavailable`.
        """
        own = [self._record(session)] if session else []
        self._records.set_all(*records, *own)
        session.saved = deepcopy(dict(session)) if session else {}

    def regenerate(self, session: ServerSideSession) -> None:
        """Save *session* under a new ID, and delete the record under the old ID.

        Flask-Session deletes first, and loses the session if the store then fails. If this fails,
        the browser keeps the old ID, so that it can try again. Raises `StoreUnavailable`.
        """
        before = session.sid, session.modified, session.saved
        session.sid, session.modified = self._generate_sid(self.sid_length), True
        try:
            self.save_now(session)
            self._delete_session(self._get_store_id(before[0]))
        except StoreUnavailable:
            session.sid, session.modified, session.saved = before
            raise

    def save_session(self, app: Flask, session: ServerSideSession, response: Response) -> None:
        """Write the session if it has changed. Replace *response* with a 503 if that fails."""
        try:
            if session or session.saved != {}:
                super().save_session(app, session, response)
            else:  # `regenerate` has deleted its record
                self._delete_cookie(app, response)
        except StoreUnavailable as error:
            if response.status_code != StoreUnavailable.code:
                # Flask would answer 500, because it saves sessions outside of its error handling.
                _replace_response(response, app.make_response(app.handle_user_exception(error)))
                if session.saved:  # its ID may be new
                    session.saved = dict(session)
                    super().save_session(app, session, response)

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
        self,
        session_lifetime: timedelta,  # noqa: ARG002
        session: ServerSideSession,
        store_id: str,  # noqa: ARG002
    ) -> None:
        # Compared, because a session does not notice a change in one of its lists.
        if session.saved != dict(session):
            self._records.set(*self._record(session))

    def _record(self, session: ServerSideSession) -> Record:
        ttl = self.state.app.permanent_session_lifetime.total_seconds()
        if session.keys() <= {STATES_KEY, "_permanent"}:
            # Otherwise, anonymous visits to /login would leave sessions that last a month.
            ttl = self.state.config.login_lifetime
        name = _hash(self._get_store_id(session.sid))
        return "session", name, _serializer.dumps(dict(session)), ttl

    def _delete_cookie(self, app: Flask, response: Response) -> None:
        response.delete_cookie(
            self.get_cookie_name(app),
            domain=self.get_cookie_domain(app),
            path=self.get_cookie_path(app),
            secure=self.get_cookie_secure(app),
        )


def _load_session(data: Any) -> dict[str, Any]:
    return dict(_serializer.loads(data))


def _hash(store_id: str) -> str:
    # The hash keeps session IDs out of the store, and turns cookies of any length into valid keys.
    return hashlib.sha256(store_id.encode("utf-8", "surrogateescape")).hexdigest()


def _replace_response(response: Response, new: Response) -> None:
    close = getattr(response.response, "close", None)
    if close is not None:
        close()
    # The after_request functions, which set these headers, have run already.
    new.headers["Cache-Control"] = "no-store"
    if "Referrer-Policy" in response.headers:
        new.headers["Referrer-Policy"] = response.headers["Referrer-Policy"]
    new.vary.update(response.vary)
    response.direct_passthrough = False
    response.status_code = new.status_code
    response.headers.clear()
    response.headers.extend(new.headers)
    response.set_data(new.get_data())
