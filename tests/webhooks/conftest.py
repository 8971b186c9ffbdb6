"""Fixtures of the webhook's tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_altdentifier import blueprint, webhooks
from flask_altdentifier.webhooks import Event

from ..support import bare_app

SECRET = "the-signature"


def make_app(**config: Any) -> Flask:
    """Return an app in production that receives webhooks."""
    app = bare_app(**{"ALTDENTIFIER_WEBHOOK_SECRET": SECRET, **config})
    app.testing = False
    app.register_blueprint(blueprint)
    app.register_blueprint(webhooks.blueprint)
    return app


def post(app: Flask, body: bytes, path: str = "/webhook", **headers: str) -> TestResponse:
    """Post *body* with its digest, unless *headers* have another."""
    sent = {"Digest": webhooks.digest(SECRET, body), "Content-Type": "application/json", **headers}
    return app.test_client().post(path, data=body, headers=sent)


def refused(response: TestResponse) -> tuple[int, str]:
    """Return status and reason of a refusal, which is problem+json without a login."""
    assert response.mimetype == "application/problem+json", response.text
    problem = json.loads(response.text)
    assert sorted(problem) == ["detail", "reason", "status", "title", "type"]
    return response.status_code, problem["reason"]


@pytest.fixture
def app() -> Flask:
    """An app that receives webhooks."""
    return make_app()


@pytest.fixture
def events(app: Flask) -> Iterator[list[Event]]:
    """The events that `app` has received so far."""
    seen: list[Event] = []

    def receive(sender: Flask, *, event: Event) -> None:
        assert sender is app
        seen.append(event)

    with webhooks.event_received.connected_to(receive, app):
        yield seen
