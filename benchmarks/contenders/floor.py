"""The floor: a good view written by hand, with Flask-Session.

It checks the session, keeps one warm urllib3 pool with one TLS context, and does nothing else.
"""

from __future__ import annotations

import hmac
import secrets
import ssl
import time
from functools import cache
from typing import Any
from urllib.parse import urlencode

import urllib3
from flask import Flask, abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from . import CLIENT_ID, CLIENT_SECRET, SCOPE


def install(app: Flask, provider: str) -> None:
    """Add the views."""

    @cache
    def pool() -> urllib3.PoolManager:
        return urllib3.PoolManager(ssl_context=ssl.create_default_context())

    @app.get("/protected")
    def protected() -> ResponseReturnValue:
        grant = session.get("grant")
        if grant is None or grant["expires_at"] <= time.time():
            return redirect(url_for("login"))
        if SCOPE not in grant["scope"]:
            abort(403)
        return "protected"

    @app.get("/login")
    def login() -> ResponseReturnValue:
        session["state"] = state = secrets.token_urlsafe(32)
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": url_for("callback", _external=True),
            "scope": SCOPE,
            "state": state,
        }
        return redirect(f"{provider}/oauth2/authorize?{urlencode(query)}")

    @app.get("/callback")
    def callback() -> ResponseReturnValue:
        if not hmac.compare_digest(session.pop("state", ""), request.args["state"]):
            abort(400)
        form = {
            "grant_type": "authorization_code",
            "code": request.args["code"],
            "redirect_uri": url_for("callback", _external=True),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        url = f"{provider}/oauth2/token"
        answer = pool().request_encode_body("POST", url, fields=form, encode_multipart=False)
        session["grant"] = _grant(answer)
        return redirect("/")


def _grant(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    if answer.status != 200:
        abort(502)
    token = answer.json()
    return {
        "access_token": token["access_token"],
        "refresh_token": token["refresh_token"],
        "scope": token["scope"].split(),
        "expires_at": time.time() + token["expires_in"],
    }
