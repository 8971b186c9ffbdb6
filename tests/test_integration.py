"""The link that adds the application to a Discord server."""

from __future__ import annotations

from typing import Any

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


@pytest.mark.parametrize("guild_id", [81384788765712384, "81384788765712384", "0", "1" * 20])
def test_link_with_a_server(app: Flask, guild_id: str | int) -> None:
    with app.app_context():
        assert query_of(integration_url(guild_id))["guild_id"] == str(guild_id)


@pytest.mark.parametrize(
    "guild_id", ["", "x", "1" * 21, "-1", -1, "1.5", 1.5, "\u0661", True, "1\n", " 1"]
)
def test_invalid_discord_id_is_refused(app: Flask, guild_id: Any) -> None:
    with app.app_context(), pytest.raises(ValueError, match="Discord ID"):
        integration_url(guild_id)


def test_client_id_is_encoded() -> None:
    with make_app(ALTDENTIFIER_CLIENT_ID="a&b=c d").app_context():
        assert query_of(integration_url())["client_id"] == "a&b=c d"


def test_link_in_templates(app: Flask) -> None:
    with app.test_request_context():
        link = render_template_string("{{ altdentifier_integration_url(1)|safe }}")
        assert query_of(link)["guild_id"] == "1"
