"""The parts that are not ours."""

from __future__ import annotations

from . import limits
from .parts import Limit, Part

FLASK = "Flask, Werkzeug"
FLASK_SESSION = "Flask-Session"
CACHELIB = "cachelib"
REDIS = "redis-py"
HTTP = "urllib3, http.client, ssl"
AUTHLIB = "Authlib"

_SESSIONS = "flask_session.base.ServerSideSessionInterface"

PARTS = (
    Part(
        "request in, routing, response out",
        FLASK,
        ("flask.Flask.wsgi_app",),
        Limit("an empty view in an app without sessions", limits.empty_view),
    ),
    Part(
        "reading the cookies",
        FLASK,
        ("werkzeug.sansio.request.parse_cookie",),
        Limit("the same, alone", limits.parse_cookies),
    ),
    Part(
        "`Set-Cookie`",
        FLASK,
        ("werkzeug.sansio.response.Response.set_cookie",),
        Limit("`dump_cookie`", limits.write_cookie),
    ),
    Part("the redirect URI", FLASK, ("flask.Flask.url_for",)),
    Part("opening the session", FLASK_SESSION, (f"{_SESSIONS}.open_session",)),
    Part("saving the session", FLASK_SESSION, (f"{_SESSIONS}.save_session",)),
    Part("a new session id", FLASK_SESSION, (f"{_SESSIONS}.regenerate",)),
    Part("`get`", CACHELIB, ("cachelib.SimpleCache.get", "cachelib.RedisCache.get")),
    Part("`set`", CACHELIB, ("cachelib.SimpleCache.set", "cachelib.RedisCache.set")),
    Part("`delete`", CACHELIB, ("cachelib.SimpleCache.delete", "cachelib.RedisCache.delete")),
    Part(
        "a command to Redis",
        REDIS,
        ("redis.Redis.execute_command",),
        Limit("a GET over a bare socket", limits.bare_get),
        waits=True,
    ),
    Part(
        "sending the token request",
        HTTP,
        ("urllib3.HTTPConnectionPool.urlopen",),
        Limit("with TLS and the answer: a POST by a pool alone", limits.post),
    ),
    Part(
        "reading the answer to it",
        HTTP,
        (
            "urllib3.HTTPResponse.read",
            "http.client.HTTPResponse.__init__",
            "http.client.HTTPResponse.begin",
        ),
    ),
    Part(
        "TLS",
        HTTP,
        ("ssl.SSLSocket.sendall", "socket.SocketIO.readinto"),
        waits=True,
    ),
    Part(
        "the OAuth 2 client",
        AUTHLIB,
        ("authlib.oauth2.OAuth2Client.__init__", "authlib.oauth2.OAuth2Client.fetch_token"),
    ),
)
