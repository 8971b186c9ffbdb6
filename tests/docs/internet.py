"""Discord and AltDentifier for apps that call them with requests, without a socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask, Response, jsonify, redirect, request
from werkzeug import Response as BaseResponse
from werkzeug.test import Client

requests = pytest.importorskip("requests")


@dataclass
class Discord:
    """As much of Discord as an app needs that logs people in."""

    #: Discord ID of the user of the browser.
    user: str = "100000000000000001"
    #: Whether the user clicks “Cancel”.
    cancels: bool = False
    #: Whether the API answers 503.
    is_down: bool = False

    def create_app(self) -> Flask:
        """Return the site."""
        app = Flask("discord")
        app.add_url_rule("/oauth2/authorize", "authorize", self._authorize)
        app.add_url_rule("/api/oauth2/token", "token", self._token, methods=["POST"])
        app.add_url_rule("/api/users/@me", "me", self._me)
        return app

    def _authorize(self) -> BaseResponse:
        query = request.args
        assert (query["response_type"], query["scope"]) == ("code", "identify")
        answer = "error=access_denied" if self.cancels else f"code=of-{self.user}"
        return redirect(f"{query['redirect_uri']}?{answer}&state={query['state']}")

    def _token(self) -> Response:
        user = request.form["code"].removeprefix("of-")
        token = {"access_token": user, "token_type": "Bearer", "expires_in": 604800}
        return jsonify(token | {"scope": "identify"})

    def _me(self) -> tuple[Response, int]:
        if self.is_down:
            return jsonify(message="Service Unavailable"), 503
        user = request.headers["Authorization"].removeprefix("Bearer ")
        return jsonify(id=user, username="ada"), 200


def replace_internet(monkeypatch: pytest.MonkeyPatch, sites: dict[str, Client]) -> list[Any]:
    """Send the requests of the library requests to *sites*, by host.

    Returns the timeouts of the requests, in their order.
    """
    timeouts: list[Any] = []

    def send(_adapter: object, sent: Any, timeout: Any = None, **_: object) -> Any:
        timeouts.append(timeout)
        url = urlsplit(sent.url)
        answer = sites[url.hostname or ""].open(
            url._replace(scheme="", netloc="").geturl(),
            method=sent.method,
            headers=dict(sent.headers),
            data=sent.body,
        )
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(answer.headers)
        response._content = answer.data
        response.request, response.url = sent, sent.url
        return response

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    return timeouts
