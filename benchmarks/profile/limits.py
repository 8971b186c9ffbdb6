"""The least that parts can cost: what they stand on. Each function returns what to call alone."""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response
from urllib3 import HTTPSConnectionPool
from werkzeug.http import dump_cookie, parse_cookie

from ..browser import call
from ..contenders import CLIENT_ID, CLIENT_SECRET, NAMES
from .journeys import Journey

Call = Callable[[], Any]

_ID = secrets.token_urlsafe(32)
_GRANT = {"access_token": _ID, "refresh_token": _ID, "expires_at": time.time()}
_RECORD = json.dumps(_GRANT | {"scope": ["read:user"], "requested_scope": ["read:user"]})
_TOKEN = json.dumps({"access_token": _ID, "refresh_token": _ID, "token_type": "Bearer"})
_FORM = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "code": _ID}


def alone(call: Call) -> float:
    """Return the microseconds of CPU that one call takes: the median of five tries."""
    calls = 20 + int(20_000 / _each(call, 20))  # for 20 ms
    return median(_each(call, calls) for _ in range(5))


def _each(call: Call, calls: int) -> float:
    began = time.process_time_ns()
    for _ in range(calls):
        call()
    return (time.process_time_ns() - began) / calls / 1e3


def empty_view(_: Journey) -> Call:
    """Flask with a view that does nothing, and nothing else."""
    app = Flask("empty")
    app.add_url_rule("/", "empty", lambda: "")
    environ = app.test_request_context().request.environ
    return lambda: call(app, dict(environ))


def parse_cookies(journey: Journey) -> Call:
    """Werkzeug's reading of the header."""
    header = journey.requests(1)[0].get("HTTP_COOKIE")
    return lambda: parse_cookie(header)


def write_cookie(_: Journey) -> Call:
    """Werkzeug's writing of the header."""
    options: dict[str, Any] = {"secure": True, "httponly": True, "samesite": "Lax"}
    return lambda: dump_cookie("name", _ID, max_age=600, **options)


def bare_get(journey: Journey) -> Call:
    """Redis's protocol written by hand."""
    server, database = journey.lab.redis, NAMES.index("ours")
    (key,) = server.client(database).keys("*:grant:*")
    redis = socket.socket(socket.AF_UNIX)
    redis.connect(server.socket)
    redis.sendall(b"SELECT %d\r\n" % database)
    redis.recv(4096)

    def get() -> None:
        redis.sendall(b"*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n" % (len(key), key))
        redis.recv(4096)

    return get


def read_grant(_: Journey) -> Call:
    """JSON text to a dict."""
    return lambda: json.loads(_RECORD)


def read_token(_: Journey) -> Call:
    """JSON text to a dict."""
    return lambda: json.loads(_TOKEN)


def sha256(_: Journey) -> Call:
    """One hash of an id, in hexadecimal."""
    return lambda: hashlib.sha256(_ID.encode()).hexdigest()


def random_id(_: Journey) -> Call:
    """256 random bits as text."""
    return lambda: secrets.token_urlsafe(32)


def set_header(_: Journey) -> Call:
    """One header of a response."""
    headers = Response().headers
    return lambda: headers.__setitem__("Vary", "Cookie")


def response(_: Journey) -> Call:
    """A response without a body."""
    headers = {"Location": "/", "Cache-Control": "no-store"}
    return lambda: Response(status=302, headers=headers)


def encode_state(_: Journey) -> Call:
    """What differs from one authorization URL to the next."""
    return lambda: urlencode({"state": _ID})


def encode_form(_: Journey) -> Call:
    """The token request's body."""
    return lambda: urlencode(_FORM)


def post(journey: Journey) -> Call:
    """The token request by urllib3, with nothing around it."""
    context = ssl.create_default_context()
    pool = HTTPSConnectionPool("127.0.0.1", journey.lab.provider.port, ssl_context=context)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return lambda: pool.urlopen("POST", "/oauth2/token", body=urlencode(_FORM), headers=headers)
