"""The link that adds the application to a Discord server."""

from __future__ import annotations

import pytest
from flask import Flask, render_template_string

from flask_altdentifier import integration_url

from .support import make_app, query_of


def test_simplified_link(app: Flask) -> None:
    with app.app_context():
        assert integration_url() == (
            "https://altdentifier.com/oauth2/authorize"
            "?client_id=the-client&scope=write:integrations"
        )


def test_link_with_a_server(app: Flask) -> None:
    with app.app_context():
        assert query_of(integration_url(42))["guild_id"] == "42"


def test_server_must_be_a_discord_id(app: Flask) -> None:
    with app.app_context(), pytest.raises(ValueError, match="Discord ID"):
        integration_url("1&client_id=other")


def test_client_id_is_encoded() -> None:
    with make_app(ALTDENTIFIER_CLIENT_ID="a&b=c d").app_context():
        assert query_of(integration_url())["client_id"] == "a&b=c d"


def test_link_in_templates(app: Flask) -> None:
    with app.test_request_context():
        link = render_template_string("{{ altdentifier_integration_url(1)|safe }}")
        assert query_of(link)["guild_id"] == "1"
