from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State

LINK = "/oauth2/authorize?client_id=sandbox&scope=write:integrations"


def test_page(visitor: FlaskClient) -> None:
    """The link without redirect URI shows a page with a choice of servers."""
    response = visitor.get(LINK)
    assert response.status_code == 200
    assert response.text.count('name="guild"') == 3
    assert "form-action 'self';" in response.headers["Content-Security-Policy"]


def test_allow(visitor: FlaskClient, state: State) -> None:
    """Allow says where the application was added, and the sandbox remembers it."""
    response = visitor.post(
        LINK,
        data={"decision": "allow", "guild": "400000000000000002", "user": "200000000000000002"},
    )
    assert response.status_code == 200
    assert "was added to Garden Neighbours" in response.text
    assert [(i.client_id, i.guild.id, i.user.name) for i in state.installations] == [
        ("sandbox", "400000000000000002", "grace")
    ]


def test_guild_id(visitor: FlaskClient, state: State) -> None:
    """A guild_id in the link wins over what a form names."""
    link = f"{LINK}&guild_id=42"
    assert visitor.get(link).text.count('name="guild"') == 1
    form = {"decision": "allow", "guild": "400000000000000002"}
    assert visitor.post(link, data=form).status_code == 400
    assert "Server 42" in visitor.post(link, data={"decision": "allow"}).text
    assert [i.guild.id for i in state.installations] == ["42"]


def test_deny(visitor: FlaskClient, state: State) -> None:
    """Deny adds nothing."""
    response = visitor.post(LINK, data={"decision": "deny"})
    assert response.status_code == 200
    assert "Nothing was added" in response.text
    assert state.installations == []


@pytest.mark.parametrize("scope", ["read:user", "read:user write:integrations", ""])
def test_other_scopes(visitor: FlaskClient, scope: str) -> None:
    """Without a redirect URI nothing but write:integrations can be asked for."""
    link = f"/oauth2/authorize?client_id=sandbox&scope={scope}"
    assert visitor.get(link).status_code == 400


@pytest.mark.parametrize("again", ["scope=write:integrations", "guild_id=1&guild_id=2"])
def test_repeated_parameter(visitor: FlaskClient, again: str) -> None:
    """A parameter that comes twice is a 400."""
    assert visitor.get(f"{LINK}&{again}").status_code == 400


def test_cross_site_form(visitor: FlaskClient, state: State) -> None:
    """No page of another site can add an integration."""
    response = visitor.post(
        LINK, data={"decision": "allow"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
    assert state.installations == []
