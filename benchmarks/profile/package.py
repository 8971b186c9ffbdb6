"""The parts that are ours."""

from __future__ import annotations

from . import limits
from .parts import Limit, ours

PARTS = (
    ours("the check: a live grant, with these scopes", "requires.check", "requires.live"),
    ours(
        "the store's keys and errors",
        *(f"store.Store.{name}" for name in ("put", "get", "take", "drop")),
    ),
    ours(
        "JSON to a grant or a pending login",
        "store._load",
        limit=Limit("`json.loads` of a grant", limits.read_grant),
    ),
    ours(
        "finding our cookies",
        "cookies.login_id",
        "cookies.login_ids",
        "cookies.vouched_states",
    ),
    ours(
        "hashes",
        "current.hashed",
        "cookies.state_of",
        limit=Limit("`hashlib.sha256`", limits.sha256),
    ),
    ours(
        "random ids",
        "cookies.new_voucher",
        "cookies.new_login_id",
        limit=Limit("`secrets.token_urlsafe`", limits.random_id),
    ),
    ours(
        "`Vary`, `Cache-Control`, `Referrer-Policy`",
        "current._vary",
        "requires._keep_private",
        "views._keep_code_private",
        limit=Limit("setting one header", limits.set_header),
    ),
    ours("starting a login", "views.begin", "pending.add"),
    ours("finishing a login", "views.finish", "pending.take"),
    ours(
        "the list of states in the session",
        "sessions.listed_states",
        "sessions.list_states",
    ),
    ours(
        "the authorization URL",
        "provider.Provider.authorization_url",
        limit=Limit("`urlencode` of a state", limits.encode_state),
    ),
    ours("what our cookies are set with", "cookies._set", "cookies._delete"),
    ours("the redirect", "login.send_to", limit=Limit("an empty `Response`", limits.response)),
    ours(
        "the query of the callback",
        "callback.CallbackQuery.__init__",
        "callback.CallbackQuery._one",
    ),
    ours(
        "the new grant",
        "current.Reservation.__init__",
        "current.Reservation.fill",
        "sessions.change_id",
        "signals.send",
    ),
    ours(
        "the token request",
        "provider.Provider.exchange",
        "provider._TokenEndpoint.post",
        limit=Limit("`urlencode` of the form", limits.encode_form),
    ),
    ours(
        "the token response",
        "token_response.parse",
        limit=Limit("`json.loads` of it", limits.read_token),
    ),
    ours(
        "deadline and limits of the exchange",
        "transport.HTTPTransport.request",
        "connection._Response.__init__",
        "connection._Response.begin",
        "connection._Reader.__init__",
        "connection._Reader.readinto",
    ),
)
